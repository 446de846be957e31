(function () {
  'use strict';
  var tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.appendChild(tip);
  document.querySelectorAll('.plot[data-n]').forEach(function (plot) {
    var table = plot.parentNode.querySelector('table');
    if (!table) return;
    var heads = table.tHead.rows[0].cells, rows = table.tBodies[0].rows;
    var first = +plot.dataset.first, count = +plot.dataset.n, svg = plot.querySelector('svg');
    function hide() { tip.hidden = true; plot.classList.remove('at'); }
    plot.addEventListener('pointerleave', hide);
    plot.addEventListener('pointermove', function (event) {
      var box = svg.getBoundingClientRect();
      var place = Math.floor((event.clientX - box.left) / box.width * count);
      var row = place >= 0 && place < count ? rows[place - first] : null;
      if (!row) return hide();
      var text = row.cells[0].textContent;
      for (var i = 1; i < row.cells.length; i++) {
        text += '\n' + heads[i].textContent + ': ' + row.cells[i].textContent;
      }
      tip.textContent = text;
      tip.hidden = false;
      plot.classList.add('at');
      plot.style.setProperty('--at', (place + 0.5) / count);
      var left = event.clientX + 16, width = tip.offsetWidth;
      if (left + width > innerWidth - 8) left = Math.max(8, event.clientX - 16 - width);
      tip.style.left = left + 'px';
      tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + 'px';
    });
  });
})();
