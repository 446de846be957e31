//! Who is in the world: users, their devices, and how large a share behaves in which way.

use crate::catalog::COUNTRIES;
use crate::random::{bits_of, Random, Weighted};

/// Microseconds, since 1970 or between two events.
pub type Micros = i64;

/// One millisecond.
pub const MILLI: Micros = 1_000;
/// One second.
pub const SECOND: Micros = 1_000 * MILLI;
/// One minute.
pub const MINUTE: Micros = 60 * SECOND;
/// One hour.
pub const HOUR: Micros = 60 * MINUTE;
/// One day.
pub const DAY: Micros = 24 * HOUR;

/// What recorded an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A browser.
    Web,
    /// An iPhone.
    Ios,
    /// An Android phone.
    Android,
    /// The shop's own server, which knows the user but no device and no session.
    Server,
    /// A program that pretends to be a browser.
    Bot,
}

impl Platform {
    /// As it is written in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Server => "server",
            Self::Bot => "bot",
        }
    }

    /// Whether it is a telephone: it gets pushes, and says when the app comes and goes.
    pub fn is_mobile(self) -> bool {
        matches!(self, Self::Ios | Self::Android)
    }

    /// The silence after which its library begins a new session id.
    pub fn session_timeout(self) -> Micros {
        if self.is_mobile() {
            5 * MINUTE
        } else {
            30 * MINUTE
        }
    }

    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Web | Self::Bot => &["web/2.11", "web/2.11", "web/2.10", "web/1.9"],
            Self::Ios => &["ios/1.12", "ios/1.12", "ios/1.8"],
            Self::Android => &["android/1.20", "android/1.20", "android/1.16"],
            Self::Server => &["http/2"],
        }
    }
}

/// Who or what is behind a visit.
#[derive(Clone, Copy)]
pub struct Visitor {
    /// Number of the account.
    pub user: u32,
    /// Number of the device.
    pub device: u32,
    /// Kind of the device.
    pub platform: Platform,
    /// Where it is.
    pub country: &'static str,
    /// The library that records it, with its version.
    pub library: &'static str,
    /// How far the device's clock is ahead; negative when it is behind.
    pub clock_ahead: Micros,
}

/// How large a share of the world behaves in which way.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Users by their main device.
    pub platforms: &'static [(Platform, usize)],
    /// Users who share one device with another user.
    pub sharing: f64,
    /// Visits of mobile users at a computer.
    pub second_screen: f64,
    /// Users whose device has a clock that is hours wrong.
    pub wrong_clock: f64,
    /// Visits that are not a visit but one event of the server.
    pub renewals: f64,
    /// Visits of mobile users that are a push at first, which most ignore.
    pub pushes: f64,
    /// Pauses of under an hour in which a mobile user gets a push.
    pub bridges: f64,
    /// Events of a visit, besides those with an echo of their own, that make the server record one too.
    pub echoes: f64,
    /// Visits in which nobody signs in.
    pub anonymous: f64,
    /// Visits in which someone signs in after a while.
    pub signing_in: f64,
    /// Mobile visits without a network, uploaded days later.
    pub offline: f64,
    /// Visits whose clock was set right only after the session id had been taken from it.
    pub corrected_clock: f64,
    /// The share of all events that may come from bots.
    pub bots: f64,
    /// Uploads that arrive twice, because the device did not hear that the first one had.
    pub repeated: f64,
    /// Events with a time no clock should show.
    pub absurd: f64,
    /// Events that have lost both user and device.
    pub nobody: f64,
}

impl Habits {
    /// A bit of everything that real event tables contain.
    pub const SAMPLE: Self = Self {
        platforms: &[(Platform::Web, 50), (Platform::Ios, 24), (Platform::Android, 26)],
        sharing: 0.02,
        second_screen: 0.15,
        wrong_clock: 0.004,
        renewals: 0.06,
        pushes: 0.18,
        bridges: 0.4,
        echoes: 0.03,
        anonymous: 0.02,
        signing_in: 0.03,
        offline: 0.01,
        corrected_clock: 0.003,
        bots: 0.04,
        repeated: 0.002,
        absurd: 0.000_1,
        nobody: 0.000_2,
    };

    /// Clean web traffic: a benchmark should measure grouping and not the handling of oddities.
    pub const BENCH: Self = Self {
        platforms: &[(Platform::Web, 1)],
        sharing: 0.0,
        second_screen: 0.0,
        wrong_clock: 0.0,
        renewals: 0.02,
        pushes: 0.0,
        bridges: 0.0,
        echoes: 0.005,
        anonymous: 0.0,
        signing_in: 0.0,
        offline: 0.0,
        corrected_clock: 0.0,
        bots: 0.0,
        repeated: 0.0,
        absurd: 0.0,
        nobody: 0.0,
    };
}

/// All users. None is stored: each follows from the seed and its number, so that the world's size
/// costs no memory.
pub struct World {
    users: u32,
    seed: u64,
    habits: Habits,
    platforms: Weighted<Platform>,
    countries: Weighted<&'static str>,
}

impl World {
    /// A world of this many users.
    pub fn new(users: u32, seed: u64, habits: Habits) -> Self {
        Self { users, seed, habits, platforms: Weighted::new(habits.platforms), countries: Weighted::new(COUNTRIES) }
    }

    /// Picks who comes next. Few come very often, many come rarely.
    pub fn someone(&self, random: &mut Random) -> Visitor {
        let chance = random.unit();
        let rank = (chance * chance.sqrt() * f64::from(self.users)) as u64;
        // A large prime spreads the busy users over all numbers, and maps no two ranks to one user.
        let user = rank * 2_654_435_761 % u64::from(self.users);
        let at_a_computer = random.chance(self.habits.second_screen);
        self.visitor(user as u32, at_a_computer)
    }

    /// The user with this number, at the computer if it is not the main device.
    fn visitor(&self, user: u32, at_a_computer: bool) -> Visitor {
        let owner = self.owner_of_device(user);
        let mut traits = Random::new(bits_of(self.seed, u64::from(owner)));
        let main = self.platforms.draw(&mut traits);
        let second_screen = at_a_computer && main.is_mobile();
        let platform = if second_screen { Platform::Web } else { main };
        Visitor {
            user,
            device: 2 * owner + u32::from(second_screen),
            platform,
            country: self.countries.draw(&mut traits),
            library: traits.pick(platform.libraries()),
            clock_ahead: self.clock_ahead(&mut traits),
        }
    }

    /// A bot has a number above those of all users.
    pub fn bot(&self, number: u32) -> Visitor {
        Visitor {
            user: self.users + number,
            device: 2 * (self.users + number),
            platform: Platform::Bot,
            country: "US",
            library: "web/1.9",
            clock_ahead: 0,
        }
    }

    /// The name of a user.
    pub fn user_name(&self, user: u32) -> UserName {
        UserName { user, users: self.users }
    }

    /// Users 2n and 2n + 1 may live together and have one device, which then is the first one's.
    fn owner_of_device(&self, user: u32) -> u32 {
        let household = user / 2;
        let mut traits = Random::new(bits_of(!self.seed, u64::from(household)));
        if traits.chance(self.habits.sharing) {
            2 * household
        } else {
            user
        }
    }

    fn clock_ahead(&self, traits: &mut Random) -> Micros {
        if traits.chance(self.habits.wrong_clock) {
            traits.between(-2 * HOUR / MINUTE, 5 * HOUR / MINUTE) * MINUTE
        } else {
            0
        }
    }
}

/// How a user is called: `u0012345`, and bots `bot-1`.
pub struct UserName {
    user: u32,
    users: u32,
}

impl UserName {
    /// Appends the name. By hand, because formatting would be a good part of the time a row takes.
    pub fn append_to(&self, text: &mut String) {
        if self.user >= self.users {
            text.push_str("bot-");
            return push_digits(text, self.user - self.users + 1, 1);
        }
        text.push('u');
        push_digits(text, self.user, 7);
    }
}

fn push_digits(text: &mut String, number: u32, width: u32) {
    let mut place = 10u32.pow(width - 1);
    while number / place >= 10 {
        place *= 10;
    }
    while place > 0 {
        let digit = (number / place % 10) as u8;
        text.push(char::from(b'0' + digit));
        place /= 10;
    }
}
