//! The words of the made-up shop: what can happen in it, where, and with which goods.

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventType {
    AddToCart,
    Checkout,
    Click,
    EmailSent,
    Error,
    Filter,
    HelpOpen,
    NotificationOpen,
    OrderConfirmed,
    PageView,
    PaymentAuthorized,
    Purchase,
    PushReceived,
    RemoveFromCart,
    Review,
    Scroll,
    Search,
    ServerRenewal,
    SessionEnd,
    SessionStart,
    Share,
    SignIn,
    Sort,
    VideoPause,
    VideoPlay,
    ViewItem,
    WishlistAdd,
}

use EventType::*;

impl EventType {
    /// The names, in the order of the variants: a type's number is its place here.
    pub const NAMES: [&'static str; 27] = [
        "add_to_cart",
        "checkout",
        "click",
        "email_sent",
        "error",
        "filter",
        "help_open",
        "notification_open",
        "order_confirmed",
        "page_view",
        "payment_authorized",
        "purchase",
        "push_received",
        "remove_from_cart",
        "review",
        "scroll",
        "search",
        "server_renewal",
        "session_end",
        "session_start",
        "share",
        "sign_in",
        "sort",
        "video_pause",
        "video_play",
        "view_item",
        "wishlist_add",
    ];

    /// Whether it makes sense only with something in the cart.
    pub fn needs_cart(self) -> bool {
        matches!(self, RemoveFromCart | Checkout | Purchase)
    }

    /// Whether it is about one product.
    pub fn has_item(self) -> bool {
        matches!(self, ViewItem | AddToCart | RemoveFromCart | Purchase | WishlistAdd | Review)
    }

    /// The page it can only happen on, if there is one.
    pub fn place(self) -> Option<&'static str> {
        match self {
            ViewItem | AddToCart | Review => Some("/item"),
            RemoveFromCart => Some("/cart"),
            Checkout | Purchase => Some("/checkout"),
            Search | Filter | Sort => Some("/search"),
            _ => None,
        }
    }

    /// What the shop's server records right after it, if anything.
    pub fn server_echo(self) -> Option<EventType> {
        match self {
            Checkout => Some(PaymentAuthorized),
            Purchase => Some(OrderConfirmed),
            SignIn | Review => Some(EmailSent),
            _ => None,
        }
    }
}

/// What people do within a visit, by how often.
pub const DEEDS: &[(EventType, usize)] = &[
    (PageView, 330),
    (Click, 190),
    (ViewItem, 110),
    (Scroll, 90),
    (Search, 60),
    (AddToCart, 60),
    (Filter, 30),
    (Checkout, 30),
    (Purchase, 40),
    (Sort, 10),
    (RemoveFromCart, 10),
    (WishlistAdd, 12),
    (VideoPlay, 12),
    (VideoPause, 6),
    (Share, 5),
    (Review, 5),
    (HelpOpen, 5),
    (Error, 5),
];

/// Where a web visit begins.
pub const LANDING_PAGES: &[(&str, usize)] = &[
    ("/", 40),
    ("/sale", 15),
    ("/pricing", 8),
    ("/pricing/business", 3),
    ("/blog/tent-care", 8),
    ("/blog/first-hike", 6),
    ("/blog/winter-gear", 4),
    ("/c/tents", 6),
    ("/c/boots", 6),
    ("/c/packs", 4),
];

/// Where it goes on.
pub const PAGES: &[(&str, usize)] = &[
    ("/", 14),
    ("/c/tents", 9),
    ("/c/boots", 9),
    ("/c/packs", 8),
    ("/c/stoves", 5),
    ("/c/lamps", 5),
    ("/sale", 8),
    ("/search", 8),
    ("/item", 14),
    ("/cart", 5),
    ("/account", 4),
    ("/pricing", 3),
    ("/pricing/business", 1),
    ("/blog/tent-care", 2),
    ("/blog/first-hike", 2),
    ("/blog/winter-gear", 1),
    ("/help", 2),
];

/// The title over a page.
pub fn title(page: &str) -> &'static str {
    match page {
        "/" => "Home",
        "/c/tents" => "Tents",
        "/c/boots" => "Boots",
        "/c/packs" => "Packs",
        "/c/stoves" => "Stoves",
        "/c/lamps" => "Lamps",
        "/sale" => "Sale",
        "/search" => "Search results",
        "/item" => "Product",
        "/cart" => "Your cart",
        "/checkout" => "Checkout",
        "/account" => "Your account",
        "/pricing" => "Membership",
        "/pricing/business" => "Membership for companies",
        "/blog/tent-care" => "How to care for a tent",
        "/blog/first-hike" => "Your first hike",
        "/blog/winter-gear" => "Gear for winter",
        _ => "Help",
    }
}

/// Something to buy.
#[derive(Clone, Copy)]
pub struct Product {
    /// Its number in the warehouse.
    pub sku: &'static str,
    /// Its price.
    pub price: f64,
}

/// All there is to buy.
pub const PRODUCTS: &[Product] = &[
    product("TENT-1", 189.0),
    product("TENT-2", 279.5),
    product("TENT-4", 449.0),
    product("BOOT-38", 129.0),
    product("BOOT-42", 129.0),
    product("BOOT-45", 139.0),
    product("PACK-20", 59.9),
    product("PACK-45", 119.9),
    product("PACK-70", 174.0),
    product("STOVE-G", 44.5),
    product("STOVE-W", 89.0),
    product("LAMP-H", 24.9),
    product("LAMP-C", 34.9),
    product("SOCK-M", 12.5),
    product("SOCK-L", 12.5),
    product("MUG", 9.9),
    product("ROPE-30", 69.0),
    product("MAP-ALPS", 14.9),
];

const fn product(sku: &'static str, price: f64) -> Product {
    Product { sku, price }
}

/// What people look for.
pub const QUERIES: &[&str] =
    &["tent", "2 person tent", "boots 42", "stove", "gas", "rain", "socks", "lamp", "map", "rope"];

/// What they click on.
pub const ELEMENTS: &[&str] = &["menu", "banner", "next", "back", "details", "photo", "size", "colour"];

/// Where a web visit came from, when it came through a campaign.
pub const CAMPAIGNS: &[(&str, usize)] =
    &[("google", 45), ("newsletter", 25), ("instagram", 15), ("partner", 10), ("podcast", 5)];

/// Where people live.
pub const COUNTRIES: &[(&str, usize)] =
    &[("US", 34), ("DE", 13), ("GB", 11), ("FR", 10), ("BR", 8), ("IN", 7), ("JP", 6), ("ES", 5), ("CA", 4), ("AU", 2)];
