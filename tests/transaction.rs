//! Several files are written or none, whatever comes between: another program, a killed run, a directory that cannot be written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use plainsight::transaction::{Pending, Store, Target, TransactionError};

/// An empty directory of this test's own, by its name without links.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("transaction")
        .join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the build directory is writable");
    fs::canonicalize(directory).expect("it was just made")
}

/// Two files `a` and `b` with the texts `old a` and `old b`, which are to get new ones.
fn two(directory: &Path) -> Vec<Target> {
    ["a", "b"]
        .into_iter()
        .map(|name| {
            let path = directory.join(name);
            fs::write(&path, format!("old {name}")).expect("it is writable");
            Target {
                path,
                old: format!("old {name}").into(),
                new: format!("new {name}").into(),
            }
        })
        .collect()
}

fn open(directory: &Path) -> Store {
    Store::create(&directory.join(".plainsight"), directory).expect("it can be made and locked")
}

/// The texts of all files in a directory, by name, but for the store.
fn texts(directory: &Path) -> Vec<(String, String)> {
    let mut texts: Vec<_> = fs::read_dir(directory)
        .expect("it is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| !path.ends_with(".plainsight"))
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), fs::read_to_string(&path).expect("text"))
        })
        .collect();
    texts.sort();
    texts
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
    texts.iter().map(own).collect()
}

const OLD: [(&str, &str); 2] = [("a", "old a"), ("b", "old b")];
const NEW: [(&str, &str); 2] = [("a", "new a"), ("b", "new b")];

#[test]
fn all_files_are_written_and_the_way_back_is_kept() {
    let place = directory("all");
    let store = open(&place);
    let pending = store.begin(two(&place), None).and_then(Pending::replace);
    assert_eq!(
        texts(&place).len(),
        4,
        "each old file lies beside the new one"
    );
    let id = pending
        .and_then(Pending::accept)
        .expect("nothing stands in the way");
    assert_eq!(texts(&place), pairs(&NEW));
    assert_eq!(store.last().expect("readable"), Some(id));
    let mut back = store.load(id).expect("it was just written");
    for target in &mut back {
        std::mem::swap(&mut target.old, &mut target.new);
    }
    let way_back = store
        .begin(back, Some(id))
        .and_then(Pending::replace)
        .and_then(Pending::accept);
    assert_eq!(way_back.expect("nothing stands in the way"), id + 1);
    assert_eq!(texts(&place), pairs(&OLD));
    assert_eq!(store.last().expect("readable"), None, "it is reverted");
    let unknown = store.load(9).expect_err("there is no such change");
    assert!(
        unknown
            .to_string()
            .ends_with("no change 9 here; there is 1, 2"),
        "{unknown}"
    );
}

#[test]
fn one_file_that_was_written_to_keeps_all_as_they_are() {
    let place = directory("changed");
    let store = open(&place);
    let targets = two(&place);
    fs::write(place.join("b"), "mine").expect("it is writable");
    let refused = store
        .begin(targets.clone(), None)
        .expect_err("b has changed");
    assert!(
        matches!(refused, TransactionError::Changed { .. }),
        "{refused}"
    );
    // The same when it comes between the look and the exchange.
    fs::write(place.join("b"), "old b").expect("it is writable");
    let pending = store.begin(targets, None).expect("b is as it was");
    fs::write(place.join("b"), "mine").expect("it is writable");
    let refused = pending.replace().expect_err("b has changed");
    assert!(
        matches!(refused, TransactionError::Changed { .. }),
        "{refused}"
    );
    assert_eq!(texts(&place), pairs(&[("a", "old a"), ("b", "mine")]));
    assert_eq!(store.changes().expect("readable"), [0_u32; 0]);
}

#[test]
fn what_a_killed_run_leaves_is_undone() {
    // What the files and their spares hold when the run ends, and what they hold after the next has looked.
    type Texts = &'static [(&'static str, &'static str)];
    let cases: [(&str, Texts, Texts); 9] = [
        ("before anything", &OLD, &OLD),
        (
            "while a spare is written",
            &[("a", "old a"), ("b", "old b"), (".a.plainsight", "ne")],
            &OLD,
        ),
        (
            "when an empty spare is there",
            &[("a", "old a"), ("b", "old b"), (".a.plainsight", "")],
            &OLD,
        ),
        (
            "when all spares are there",
            &[
                ("a", "old a"),
                ("b", "old b"),
                (".a.plainsight", "new a"),
                (".b.plainsight", "new b"),
            ],
            &OLD,
        ),
        (
            "between two exchanges",
            &[
                ("a", "new a"),
                ("b", "old b"),
                (".a.plainsight", "old a"),
                (".b.plainsight", "new b"),
            ],
            &OLD,
        ),
        (
            "where spares cannot be exchanged",
            &[("a", "new a"), ("b", "old b"), (".b.plainsight", "new b")],
            &OLD,
        ),
        (
            "after someone wrote at the last moment",
            &[
                ("a", "new a"),
                ("b", "old b"),
                (".a.plainsight", "mine"),
                (".b.plainsight", "new b"),
            ],
            &[("a", "mine"), ("b", "old b")],
        ),
        (
            "and someone has mended it by hand",
            &[
                ("a", "mine"),
                ("b", "new b"),
                (".a.plainsight", "old a"),
                (".b.plainsight", "old b"),
            ],
            &[("a", "mine"), ("b", "old b")],
        ),
        (
            "while an old text is written again",
            &[("a", "new a"), ("b", "old b"), (".a.plainsight", "ol")],
            &OLD,
        ),
    ];
    for (when, left, expected) in cases {
        let place = directory("killed");
        drop(
            open(&place)
                .begin(two(&place), None)
                .expect("it can be written down"),
        );
        for (name, text) in left {
            fs::write(place.join(name), text).expect("it is writable");
        }
        let store = open(&place);
        assert_eq!(store.interrupted().expect("readable"), Some(1), "{when}");
        let said = store.recover().expect("it can be undone").join("\n");
        assert!(
            said.starts_with("an earlier run was interrupted while it made change 1"),
            "{said}"
        );
        assert_eq!(
            said.contains("left as it is"),
            expected != OLD,
            "{when}: {said}"
        );
        assert_eq!(texts(&place), pairs(expected), "{when}");
        assert_eq!(
            store.recover().expect("readable"),
            [""; 0],
            "{when}: once is enough"
        );
    }
}

#[test]
fn what_a_killed_run_had_accepted_is_finished() {
    let place = directory("accepted");
    let store = open(&place);
    drop(
        store
            .begin(two(&place), None)
            .and_then(Pending::replace)
            .expect("it can be written"),
    );
    let records = place.join(".plainsight");
    fs::rename(records.join("1.pending"), records.join("1.accepted")).expect("it is there");
    let said = store.recover().expect("it can be finished").join("\n");
    assert!(said.ends_with("the change stands"), "{said}");
    assert_eq!(texts(&place), pairs(&NEW));
    assert_eq!(store.last().expect("readable"), Some(1));
}

#[test]
fn a_record_that_was_not_finished_is_deleted() {
    let place = directory("begun");
    let store = open(&place);
    let begun = place.join(".plainsight/3.new");
    fs::create_dir(&begun).expect("it is writable");
    fs::write(begun.join("0.old"), "half").expect("it is writable");
    assert_eq!(store.recover().expect("readable"), [""; 0]);
    assert!(!begun.exists());
}

#[test]
fn a_second_run_waits_for_nobody() {
    let place = directory("busy");
    let first = open(&place);
    let second = Store::existing(&place.join(".plainsight"), &place);
    assert!(matches!(second, Err(TransactionError::Busy { .. })));
    drop(first);
    assert!(Store::existing(&place.join(".plainsight"), &place).is_ok_and(|store| store.is_some()));
}

#[test]
fn owner_mode_and_attributes_stay() {
    let place = directory("attributes");
    let store = open(&place);
    let targets = two(&place);
    let path = place.join("a");
    // Not every file system has attributes of the user's own, nor may everyone give a file away.
    let flags = rustix::fs::XattrFlags::empty();
    let has_attributes = rustix::fs::setxattr(&path, "user.note", b"kept", flags).is_ok();
    let gave_away = std::os::unix::fs::chown(&path, Some(12345), Some(23456)).is_ok();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o2640)).expect("it is ours");
    let before = fs::metadata(&path).expect("it is there");
    let done = store
        .begin(targets, None)
        .and_then(Pending::replace)
        .and_then(Pending::accept);
    done.expect("nothing stands in the way");
    let after = fs::metadata(&path).expect("it is there");
    assert_ne!(before.ino(), after.ino(), "it is another file");
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
    assert_eq!(gave_away, after.uid() == 12345);
    if has_attributes {
        let mut value = Vec::with_capacity(16);
        rustix::fs::getxattr(
            &path,
            "user.note",
            rustix::buffer::spare_capacity(&mut value),
        )
        .expect("the attribute is kept");
        assert_eq!(value, b"kept");
    }
}

#[test]
fn files_that_cannot_be_exchanged_are_refused() {
    let place = directory("unfit/server");
    let store = open(&place);
    let outside = directory("unfit/outside");
    symlink(&outside, place.join("link")).expect("it can be made");
    let refuse = |targets: Vec<Target>, why: &str| {
        let refused = store.begin(targets, None).expect_err(why).to_string();
        assert!(refused.contains(why), "{refused}");
    };
    refuse(two(&outside), "it lies outside of");
    let mut behind = two(&outside);
    behind[0].path = place.join("link/a");
    refuse(behind, "it lies outside of");
    let targets = two(&place);
    fs::hard_link(place.join("b"), place.join("c")).expect("it can be made");
    refuse(targets.clone(), "it has other names");
    fs::remove_file(place.join("c")).expect("it is there");
    fs::write(place.join(".a.plainsight"), "whose?").expect("it is writable");
    refuse(targets, "is in the way");
    assert_eq!(
        store.recover().expect("readable"),
        [""; 0],
        "nothing was begun"
    );
}

#[test]
fn a_record_that_leads_elsewhere_is_not_followed() {
    let place = directory("hostile/server");
    let outside = directory("hostile/outside");
    let store = open(&place);
    let targets = two(&outside);
    let record = place.join(".plainsight/1.pending");
    fs::create_dir(&record).expect("it is writable");
    for (number, target) in targets.iter().enumerate() {
        fs::write(record.join(format!("{number}.new")), &target.old).expect("it is writable");
        fs::write(record.join(format!("{number}.old")), "evil").expect("it is writable");
    }
    for files in [
        format!("[{:?}, {:?}]", targets[0].path, targets[1].path),
        "[\"../outside/a\"]".to_owned(),
    ] {
        let manifest = format!(
            "{{\"schema\": \"plainsight/change/1\", \"reverts\": null, \"files\": {files}}}"
        );
        fs::write(record.join("manifest.json"), manifest).expect("it is writable");
        let refused = store.recover().expect_err("it leads out of the server");
        assert!(
            refused.to_string().contains("it lies outside of"),
            "{refused}"
        );
        assert_eq!(texts(&outside), pairs(&OLD));
    }
}

/// A checkout may hold a store of somebody else's making: nothing is read or written where its links lead.
#[test]
fn a_store_made_by_somebody_else_leads_nowhere() {
    let place = directory("strange-store");
    let elsewhere = directory("strange-store-elsewhere");
    let path = place.join(".plainsight");
    symlink(&elsewhere, &path).expect("it can be made");
    let error = Store::create(&path, &place).expect_err("it is a link");
    assert!(error.to_string().contains("it is a link"), "{error}");
    fs::remove_file(&path).expect("it is there");
    fs::create_dir(&path).expect("it can be made");
    symlink(elsewhere.join("lock"), path.join("lock")).expect("it can be made");
    Store::create(&path, &place).expect_err("its lock is a link");
    assert!(texts(&elsewhere).is_empty(), "nothing is written there");
    fs::remove_file(path.join("lock")).expect("it is there");
    // The copy of an old text that is a link to somebody's secret, which going back would publish.
    let store = open(&place);
    let pending = store.begin(two(&place), None).and_then(Pending::replace);
    let id = pending
        .and_then(Pending::accept)
        .expect("nothing is in the way");
    let copy = path.join(id.to_string()).join("0.old");
    fs::remove_file(&copy).expect("it is there");
    fs::write(elsewhere.join("secret"), "secret").expect("it is writable");
    symlink(elsewhere.join("secret"), &copy).expect("it can be made");
    let error = store.load(id).expect_err("it is a link");
    assert!(
        error
            .to_string()
            .contains("0.old: this was not written by plainsight"),
        "{error}"
    );
    let last = path.join(u32::MAX.to_string());
    fs::rename(path.join(id.to_string()), last).expect("it is there");
    let error = store
        .begin(two(&place), None)
        .expect_err("the numbers are used up");
    assert!(
        error.to_string().contains("no number comes after this one"),
        "{error}"
    );
}

/// A disk that was full when the store was made leaves an empty .gitignore, and backups are never committed.
#[test]
fn a_store_is_always_ignored_by_git() {
    let place = directory("ignored");
    let ignore = place.join(".plainsight/.gitignore");
    fs::create_dir(place.join(".plainsight")).expect("it can be made");
    fs::write(&ignore, "").expect("it is writable");
    open(&place);
    assert_eq!(fs::read_to_string(&ignore).expect("it is there"), "*\n");
}
