//! Events as columns of a table.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Builder, Int64Builder, Int8Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Int8Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use clap::ValueEnum;

use crate::catalog::{title, EventType, ELEMENTS, PRODUCTS, QUERIES};
use crate::visit::Event;
use crate::world::World;

/// Which columns the table has.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Columns {
    /// Everything, from users with all kinds of habits
    Sample,
    /// User, session id, type and time, from clean web traffic
    Bench,
}

impl Columns {
    /// The columns with their types.
    pub fn schema(self) -> SchemaRef {
        let fields = match self {
            Self::Bench => vec![
                Field::new("user_id", DataType::Utf8, false),
                Field::new("session_id", DataType::Int64, false),
                Field::new("event_type", names(), false),
                Field::new("event_time", time(), false),
            ],
            Self::Sample => vec![
                Field::new("user_id", DataType::Utf8, true),
                Field::new("device_id", DataType::Utf8, true),
                Field::new("session_id", DataType::Int64, true),
                Field::new("event_type", names(), true),
                Field::new("event_time", time(), true),
                Field::new("client_event_time", time(), true),
                Field::new("$insert_id", DataType::Utf8, true),
                Field::new("country", DataType::Utf8, true),
                Field::new("platform", DataType::Utf8, true),
                Field::new("library", DataType::Utf8, true),
                Field::new("page", DataType::Utf8, true),
                Field::new("utm_source", DataType::Utf8, true),
                Field::new("revenue", DataType::Float64, true),
                Field::new("event_properties", DataType::Utf8, true),
            ],
        };
        Arc::new(Schema::new(fields))
    }

    /// The columns in which hardly a value repeats, so that a dictionary would only cost.
    pub const WITHOUT_DICTIONARY: [&'static str; 4] = ["session_id", "event_time", "client_event_time", "$insert_id"];

    /// These events as a table.
    pub fn of(self, events: &[Event], world: &World) -> Result<RecordBatch, ArrowError> {
        let arrays = match self {
            Self::Bench => vec![
                user_ids(events, world),
                session_ids(events),
                event_types(events)?,
                times(events, |event| event.time),
            ],
            Self::Sample => vec![
                user_ids(events, world),
                device_ids(events),
                session_ids(events),
                event_types(events)?,
                times(events, |event| event.time),
                times(events, |event| event.client_time),
                insert_ids(events),
                words(events, |event| event.country),
                words(events, |event| Some(event.platform.name())),
                words(events, |event| Some(event.library)),
                words(events, |event| event.page),
                words(events, |event| event.utm_source),
                revenues(events),
                properties(events),
            ],
        };
        RecordBatch::try_new(self.schema(), arrays)
    }
}

/// A dictionary in memory, plain text for whoever reads the file.
fn names() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8))
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn user_ids(events: &[Event], world: &World) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(events.len(), events.len() * 8);
    let mut name = String::new();
    for event in events {
        match event.user {
            Some(user) => {
                name.clear();
                world.user_name(user).append_to(&mut name);
                column.append_value(&name);
            }
            None => column.append_null(),
        }
    }
    Arc::new(column.finish())
}

fn device_ids(events: &[Event]) -> ArrayRef {
    let mut column = StringBuilder::new();
    for event in events {
        column.append_option(event.device.map(|device| format!("d{}", base36(device.into()))));
    }
    Arc::new(column.finish())
}

fn session_ids(events: &[Event]) -> ArrayRef {
    let mut column = Int64Builder::with_capacity(events.len());
    for event in events {
        column.append_value(event.session_id);
    }
    Arc::new(column.finish())
}

fn event_types(events: &[Event]) -> Result<ArrayRef, ArrowError> {
    let mut column = Int8Builder::with_capacity(events.len());
    for event in events {
        column.append_value(event.event_type as i8);
    }
    let names = StringArray::from_iter_values(EventType::NAMES);
    let column = DictionaryArray::<Int8Type>::try_new(column.finish(), Arc::new(names))?;
    Ok(Arc::new(column))
}

fn times(events: &[Event], time_of: impl Fn(&Event) -> i64) -> ArrayRef {
    let mut column = TimestampMicrosecondBuilder::with_capacity(events.len());
    for event in events {
        column.append_value(time_of(event));
    }
    Arc::new(column.finish().with_timezone("UTC"))
}

fn insert_ids(events: &[Event]) -> ArrayRef {
    let mut column = StringBuilder::new();
    for event in events {
        column.append_value(base36(event.insert_id));
    }
    Arc::new(column.finish())
}

fn words(events: &[Event], word_of: impl Fn(&Event) -> Option<&'static str>) -> ArrayRef {
    let mut column = StringBuilder::new();
    for event in events {
        column.append_option(word_of(event));
    }
    Arc::new(column.finish())
}

fn revenues(events: &[Event]) -> ArrayRef {
    let mut column = Float64Builder::new();
    for event in events {
        let is_purchase = event.event_type == EventType::Purchase;
        column.append_option(is_purchase.then(|| amount(event)));
    }
    Arc::new(column.finish())
}

fn properties(events: &[Event]) -> ArrayRef {
    let mut column = StringBuilder::new();
    let mut json = String::new();
    for event in events {
        json.clear();
        write_properties(event, &mut json);
        column.append_option((!json.is_empty()).then_some(&json));
    }
    Arc::new(column.finish())
}

/// The properties as JSON text, nothing if there are none. Written by hand: no value needs escaping.
fn write_properties(event: &Event, json: &mut String) {
    let mut add = |key: &str, value: &dyn std::fmt::Display| {
        json.push(if json.is_empty() { '{' } else { ',' });
        // Writing to a string cannot fail.
        let _ = write!(json, "\"{key}\":{value}");
    };
    let text = |value: &str| format!("\"{value}\"");
    let choice = |list: &[&str]| text(list[event.detail as usize % list.len()]);
    match event.event_type {
        EventType::PageView => {
            if let Some(page) = event.page {
                add("page_title", &text(title(page)));
            }
        }
        EventType::Click => add("element", &choice(ELEMENTS)),
        EventType::Search => {
            add("query", &choice(QUERIES));
            add("results", &(event.detail / 64 % 12));
        }
        EventType::Error => add("code", &choice(&["500", "502", "404", "timeout"])),
        _ => {}
    }
    if belongs_to_order(event.event_type) && event.order != 0 {
        add("order_id", &text(&base36(event.order.into())));
    }
    if event.event_type == EventType::Purchase {
        add("amount", &amount(event));
    }
    if event.event_type.has_item() {
        let product = PRODUCTS[event.detail as usize % PRODUCTS.len()];
        add("item", &format!("{{\"sku\":\"{}\"}}", product.sku));
    }
    if !json.is_empty() {
        json.push('}');
    }
}

/// What carries the order's id: together, all that happens between the first article and the server's confirmation.
fn belongs_to_order(event_type: EventType) -> bool {
    use EventType::*;
    matches!(event_type, AddToCart | RemoveFromCart | Checkout | PaymentAuthorized | Purchase | OrderConfirmed)
}

fn amount(event: &Event) -> f64 {
    let product = PRODUCTS[event.detail as usize % PRODUCTS.len()];
    let pieces = 1 + event.detail / 64 % 2;
    product.price * f64::from(pieces)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}
