//! One visit, event by event: what a person does, and what the recording library makes of it.

use crate::catalog::{EventType, CAMPAIGNS, DEEDS, LANDING_PAGES, PAGES};
use crate::random::{HeavyTailed, Random, Weighted};
use crate::world::{Habits, Micros, Platform, Visitor, DAY, HOUR, MILLI, MINUTE, SECOND};

/// One row of the table, before it is split into columns.
#[derive(Clone, Copy)]
pub struct Event {
    /// The account, unless nobody is signed in.
    pub user: Option<u32>,
    /// The device, unless the server recorded it.
    pub device: Option<u32>,
    /// Start of the library's session in epoch milliseconds, or -1.
    pub session_id: i64,
    /// What happened.
    pub event_type: EventType,
    /// When, by a right clock.
    pub time: Micros,
    /// When, by the device's clock.
    pub client_time: Micros,
    /// Number that a repeated upload has again.
    pub insert_id: u64,
    /// Unknown to the server.
    pub country: Option<&'static str>,
    /// What recorded it.
    pub platform: Platform,
    /// The library that sent it.
    pub library: &'static str,
    /// Where in the shop.
    pub page: Option<&'static str>,
    /// The campaign that brought the visit.
    pub utm_source: Option<&'static str>,
    /// The order that the cart becomes; 0 while there is none.
    pub order: u32,
    /// Random bits that decide the properties.
    pub detail: u32,
}

/// The session id of an event that belongs to none.
pub const OUT_OF_SESSION: i64 = -1;

/// How people move: the tables that visits draw from.
pub struct Manners {
    habits: Habits,
    sizes: HeavyTailed,
    gaps: HeavyTailed,
    pauses: HeavyTailed,
    deeds: Weighted<EventType>,
    landings: Weighted<&'static str>,
    pages: Weighted<&'static str>,
    campaigns: Weighted<&'static str>,
}

/// Gaps that are a pause: the visitor goes away, but has not finished.
const PAUSES: f64 = 0.05;

impl Manners {
    /// The manners of a world with these habits.
    pub fn new(habits: Habits) -> Self {
        Self {
            habits,
            sizes: HeavyTailed::new(5, 1.6, 300),
            gaps: HeavyTailed::new(13 * SECOND, 1.6, 2 * HOUR),
            pauses: HeavyTailed::new(25 * MINUTE, 1.3, 20 * HOUR),
            deeds: Weighted::new(DEEDS),
            landings: Weighted::new(LANDING_PAGES),
            pages: Weighted::new(PAGES),
            campaigns: Weighted::new(CAMPAIGNS),
        }
    }

    /// The time from one event to the next, in whole milliseconds, like the libraries' clocks.
    fn gap(&self, platform: Platform, random: &mut Random) -> Micros {
        let gap = if platform == Platform::Bot {
            // Never long enough for any timeout: a bot's only session has no end.
            random.between(MINUTE, 280 * SECOND)
        } else if random.chance(PAUSES) {
            self.pauses.draw(random)
        } else {
            self.gaps.draw(random)
        };
        whole_millis(gap).max(MILLI)
    }
}

/// What a visit does next.
#[derive(Clone, Copy)]
enum Step {
    /// The library begins a session.
    Open,
    /// The visitor does something.
    Act,
    /// The server records what the visitor did.
    Echo(EventType),
    /// The app goes into the background.
    Close,
    /// The telephone shows a push.
    Push,
}

/// A visitor on the way through the shop.
pub struct Visit {
    visitor: Visitor,
    utm_source: Option<&'static str>,
    /// What remains to be done by the visitor.
    deeds_left: u32,
    /// How much of that happens before signing in.
    unknown_for: u32,
    step: Step,
    at: Micros,
    /// When a pause ends; none if the visit does.
    resume_at: Option<Micros>,
    session_id: i64,
    /// How much later than the clock of its events the next session id is.
    id_ahead: Micros,
    page: &'static str,
    order: u32,
    /// What the visitor has to do next, before anything of their choice.
    duty: Option<EventType>,
    /// How long the device collects events before it uploads them.
    upload_delay: Micros,
}

impl Visit {
    /// A visit that begins at `start`. It may also be one event of the server, or a push that is ignored.
    pub fn new(visitor: Visitor, start: Micros, manners: &Manners, random: &mut Random) -> Self {
        let mut visit = Self::at_the_door(visitor, start);
        visit.upload_delay = random.between(SECOND, 30 * SECOND);
        if random.chance(manners.habits.renewals) {
            visit.step = Step::Echo(EventType::ServerRenewal);
            return visit;
        }
        visit.deeds_left = manners.sizes.draw(random).max(1) as u32;
        if random.chance(manners.habits.corrected_clock) {
            visit.id_ahead = random.between(MINUTE / MILLI, 30 * HOUR / MILLI) * MILLI;
        }
        if visitor.platform.is_mobile() {
            visit.begin_on_the_phone(manners, random);
        } else {
            visit.begin_on_the_web(manners, random);
        }
        visit
    }

    /// A bot begins once and does not stop.
    pub fn of_bot(visitor: Visitor, start: Micros) -> Self {
        Self { deeds_left: u32::MAX, ..Self::at_the_door(visitor, start) }
    }

    /// Nothing decided yet, and nothing to do.
    fn at_the_door(visitor: Visitor, start: Micros) -> Self {
        Self {
            visitor,
            utm_source: None,
            deeds_left: 0,
            unknown_for: 0,
            step: Step::Open,
            at: start,
            resume_at: None,
            session_id: OUT_OF_SESSION,
            id_ahead: 0,
            page: "/",
            order: 0,
            duty: Some(EventType::PageView),
            upload_delay: SECOND,
        }
    }

    fn begin_on_the_phone(&mut self, manners: &Manners, random: &mut Random) {
        if random.chance(manners.habits.pushes) {
            self.step = Step::Push;
            let follows = random.chance(0.2);
            self.resume_at = follows.then(|| self.at + whole_millis(random.between(20 * SECOND, 20 * MINUTE)));
            if !follows {
                self.deeds_left = 0;
            }
        }
    }

    fn begin_on_the_web(&mut self, manners: &Manners, random: &mut Random) {
        let came_through_campaign = random.chance(0.3);
        self.utm_source = came_through_campaign.then(|| manners.campaigns.draw(random));
        if random.chance(manners.habits.anonymous) {
            self.unknown_for = u32::MAX;
        } else if random.chance(manners.habits.signing_in) {
            self.unknown_for = random.below(u64::from(self.deeds_left)) as u32;
        }
    }

    /// How many events it will have, more or less.
    pub fn size(&self) -> u32 {
        let start_and_end = 2 * u32::from(self.visitor.platform.is_mobile());
        (self.deeds_left + start_and_end).max(1)
    }

    /// When its first events are uploaded.
    pub fn first_upload(&self) -> Micros {
        self.at + self.upload_delay
    }

    /// Moves the beginning back, as if the device had been without a network since.
    pub fn was_offline_for(&mut self, time: Micros) {
        self.at -= time;
        self.resume_at = self.resume_at.map(|resume| resume - time);
    }

    /// Whether such a thing can happen to it.
    pub fn may_be_offline(&self) -> bool {
        self.visitor.platform.is_mobile() && matches!(self.step, Step::Open)
    }

    /// Adds all events up to `now`, which is when they arrive. Says when the next upload is, if there is one.
    pub fn upload(
        &mut self,
        now: Micros,
        manners: &Manners,
        random: &mut Random,
        events: &mut Vec<Event>,
    ) -> Option<Micros> {
        while self.at <= now {
            if !self.perform(manners, random, events) {
                return None;
            }
        }
        Some(self.at + self.upload_delay)
    }

    /// Does one step and decides on the next; false when there is none.
    fn perform(&mut self, manners: &Manners, random: &mut Random, events: &mut Vec<Event>) -> bool {
        match self.step {
            Step::Open => {
                self.open(random, events);
                true
            }
            Step::Act => {
                let deed = self.choose_deed(manners, random);
                events.push(self.recorded(deed, random));
                self.after_deed(deed, manners, random)
            }
            Step::Echo(event_type) => {
                events.push(self.recorded_by_server(event_type, random));
                self.forget_order_after(event_type);
                self.go_on(manners, random)
            }
            Step::Close => {
                events.push(self.recorded(EventType::SessionEnd, random));
                self.leave(manners, random)
            }
            Step::Push => {
                events.push(self.pushed(random));
                self.come_back(random)
            }
        }
    }

    fn open(&mut self, random: &mut Random, events: &mut Vec<Event>) {
        self.session_id = (self.client_time() + self.id_ahead).div_euclid(MILLI);
        self.id_ahead = 0;
        self.step = Step::Act;
        if self.visitor.platform.is_mobile() {
            events.push(self.recorded(EventType::SessionStart, random));
            self.at += whole_millis(random.between(200 * MILLI, SECOND));
        }
    }

    fn choose_deed(&mut self, manners: &Manners, random: &mut Random) -> EventType {
        let mut deed = match self.duty.take() {
            Some(duty) => duty,
            None => manners.deeds.draw(random),
        };
        if deed.needs_cart() && self.order == 0 {
            deed = EventType::PageView;
        }
        if deed == EventType::PageView {
            let lands = self.session_id == self.client_time().div_euclid(MILLI);
            let pages = if lands { &manners.landings } else { &manners.pages };
            self.page = pages.draw(random);
        }
        if let Some(page) = deed.place() {
            self.page = page;
        }
        if deed == EventType::AddToCart && self.order == 0 {
            // Random, not counted: a visit knows of no other. 0 means none.
            self.order = 1 + random.below(36u64.pow(5)) as u32;
        }
        deed
    }

    fn after_deed(&mut self, deed: EventType, manners: &Manners, random: &mut Random) -> bool {
        self.deeds_left = self.deeds_left.saturating_sub(1);
        if self.unknown_for == 1 {
            self.duty = Some(EventType::SignIn);
        }
        let is_known = self.unknown_for == 0;
        if !is_known && self.unknown_for < u32::MAX {
            self.unknown_for -= 1;
        }
        let echo = deed.server_echo().or_else(|| random.chance(manners.habits.echoes).then_some(EventType::EmailSent));
        match echo {
            // The server answers nobody it does not know, and no bot. A purchase is forgotten once confirmed.
            Some(echo) if is_known && self.visitor.platform != Platform::Bot => {
                self.step = Step::Echo(echo);
                self.at += random.between(300 * MILLI, 3 * SECOND);
                true
            }
            _ => {
                self.forget_order_after(deed);
                self.go_on(manners, random)
            }
        }
    }

    /// The next article is for a new order.
    fn forget_order_after(&mut self, event_type: EventType) {
        if matches!(event_type, EventType::Purchase | EventType::OrderConfirmed) {
            self.order = 0;
        }
    }

    /// Decides what follows an event: the next one, or a way out.
    fn go_on(&mut self, manners: &Manners, random: &mut Random) -> bool {
        if self.deeds_left == 0 {
            self.resume_at = None;
            return self.close(manners, random);
        }
        let gap = manners.gap(self.visitor.platform, random);
        if gap >= self.visitor.platform.session_timeout() {
            self.resume_at = Some(self.at + gap);
            return self.close(manners, random);
        }
        self.at += gap;
        self.step = Step::Act;
        true
    }

    fn close(&mut self, manners: &Manners, random: &mut Random) -> bool {
        let was_open = self.session_id != OUT_OF_SESSION;
        // The rest of the apps are killed before they can say goodbye.
        if was_open && self.visitor.platform.is_mobile() && random.chance(0.85) {
            self.step = Step::Close;
            self.at += whole_millis(random.between(SECOND, 20 * SECOND));
            return true;
        }
        self.leave(manners, random)
    }

    fn leave(&mut self, manners: &Manners, random: &mut Random) -> bool {
        if let Some(resume) = self.resume_at {
            let pause = resume - self.at;
            let is_reachable = self.visitor.platform.is_mobile() && pause < HOUR;
            if is_reachable && random.chance(manners.habits.bridges) {
                // In the middle, where it joins the two sides under most timeouts.
                self.step = Step::Push;
                self.at += whole_millis(pause / 2);
                return true;
            }
        }
        self.come_back(random)
    }

    fn come_back(&mut self, random: &mut Random) -> bool {
        let Some(resume) = self.resume_at.take() else {
            return false;
        };
        let was_pushed = matches!(self.step, Step::Push);
        if was_pushed && random.chance(0.6) {
            self.duty = Some(EventType::NotificationOpen);
        }
        self.at = resume;
        self.step = Step::Open;
        true
    }

    fn client_time(&self) -> Micros {
        whole_millis(self.at) + self.visitor.clock_ahead
    }

    fn recorded(&self, event_type: EventType, random: &mut Random) -> Event {
        let visitor = &self.visitor;
        Event {
            user: (self.unknown_for == 0).then_some(visitor.user),
            device: Some(visitor.device),
            session_id: self.session_id,
            event_type,
            time: whole_millis(self.at),
            client_time: self.client_time(),
            insert_id: 0,
            country: Some(visitor.country),
            platform: visitor.platform,
            library: visitor.library,
            page: Some(self.page),
            utm_source: self.utm_source,
            order: self.order,
            detail: random.bits() as u32,
        }
    }

    /// The push service works while the app does not, and knows of no session.
    fn pushed(&self, random: &mut Random) -> Event {
        Event { session_id: OUT_OF_SESSION, page: None, ..self.recorded(EventType::PushReceived, random) }
    }

    /// A server has a right clock with microseconds, and knows the user only.
    fn recorded_by_server(&self, event_type: EventType, random: &mut Random) -> Event {
        Event {
            user: Some(self.visitor.user),
            device: None,
            session_id: OUT_OF_SESSION,
            time: self.at,
            client_time: self.at,
            country: None,
            platform: Platform::Server,
            library: "http/2",
            page: None,
            utm_source: None,
            ..self.recorded(event_type, random)
        }
    }
}

/// How long devices without a network wait for one.
pub fn time_offline(random: &mut Random) -> Micros {
    whole_millis(random.between(DAY, 4 * DAY))
}

fn whole_millis(time: Micros) -> Micros {
    time - time.rem_euclid(MILLI)
}
