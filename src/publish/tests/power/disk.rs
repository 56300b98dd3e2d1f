//! A disk as a power cut may leave it, computed from the steps that led there.
//!
//! ```text
//!  bytes of a file      before its sync: as at the last one, or empty, cut, zeroes, or all of them
//!  a name in a folder   before the folder's sync: each change has happened or not, whatever became of the others; only
//!                       changes of one name keep their order
//!  a rename             in one folder: both names in one step; between two: each folder has a step of its own
//! ```
//!
//! This is less than any file system in use promises, and all that POSIX does.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::storage::local::journal::recorded::Step;

/// Changes of names that happen in one step; None takes a name away.
type Change = Vec<(String, Option<usize>)>;
type Names = BTreeMap<String, usize>;

#[derive(Debug, Clone)]
enum Node {
    File { durable: Vec<u8>, latest: Vec<u8> },
    Folder { durable: Names, pending: Vec<Change>, latest: Names },
    Symlink(PathBuf),
}

/// What lies at a path after the power cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    File(Vec<u8>),
    Folder,
    Symlink(PathBuf),
}

/// Everything below a folder after the power cut, by path.
pub(super) type State = BTreeMap<PathBuf, Item>;

/// What becomes of the changes that nobody has waited for.
pub(super) enum Fate<'a> {
    /// None has happened.
    Lost,
    /// All have happened, as when a process is killed.
    Kept,
    /// All names are there, no bytes are.
    Emptied,
    /// All have happened but this one, counted over all of them.
    AllBut(usize),
    /// Each may have happened.
    Random(&'a mut ChaCha8Rng),
}

/// A disk between two steps.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
}

impl Disk {
    /// Reads a folder, all of which is durable.
    pub(super) fn load(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), nodes: Vec::new() };
        disk.load_node(root, &mut BTreeMap::new());
        disk
    }

    fn load_node(&mut self, path: &Path, known: &mut BTreeMap<u64, usize>) -> usize {
        let metadata = path.symlink_metadata().unwrap();
        if let Some(node) = known.get(&metadata.ino()) {
            return *node;
        }
        let node = self.nodes.len();
        known.insert(metadata.ino(), node);
        if metadata.is_symlink() {
            self.nodes.push(Node::Symlink(std::fs::read_link(path).unwrap()));
        } else if metadata.is_dir() {
            self.nodes.push(folder());
            let mut names = Names::new();
            for entry in std::fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                names.insert(entry.file_name().into_string().unwrap(), self.load_node(&entry.path(), known));
            }
            self.nodes[node] = Node::Folder { durable: names.clone(), pending: Vec::new(), latest: names };
        } else {
            let bytes = std::fs::read(path).unwrap();
            self.nodes.push(Node::File { durable: bytes.clone(), latest: bytes });
        }
        node
    }

    /// Does a step.
    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Folder(path) => self.make_folders(path),
            Step::File(path) if self.find(path).is_some() => {}
            Step::File(path) => self.add(path, Node::File { durable: Vec::new(), latest: Vec::new() }),
            Step::Symlink(target, path) => self.add(path, Node::Symlink(target.clone())),
            Step::Link(from, to) => {
                let node = self.find(from).unwrap();
                self.change(to, Some(node));
            }
            Step::Rename(from, to, bytes) => self.rename(from, to, bytes.as_ref()),
            Step::Remove(path) if self.find(path).is_none() => {}
            Step::Remove(path) => self.remove(path),
            Step::Sync(path, bytes) => self.sync(path, bytes.as_ref()),
        }
    }

    fn make_folders(&mut self, path: &Path) {
        let missing: Vec<&Path> = path.ancestors().take_while(|ancestor| self.find(ancestor).is_none()).collect();
        for path in missing.into_iter().rev() {
            self.add(path, folder());
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let node = self.nodes.len() - 1;
        self.change(path, Some(node));
    }

    fn rename(&mut self, from: &Path, to: &Path, bytes: Option<&Vec<u8>>) {
        let node = self.find(from).unwrap();
        if let (Node::File { latest, .. }, Some(bytes)) = (&mut self.nodes[node], bytes) {
            latest.clone_from(bytes);
        }
        if from.parent() == to.parent() {
            self.changes(from.parent().unwrap(), vec![(name(to), Some(node)), (name(from), None)]);
        } else {
            self.change(to, Some(node));
            self.change(from, None);
        }
    }

    /// Takes a path away, and before it all that is in it, name by name.
    fn remove(&mut self, path: &Path) {
        if let Node::Folder { latest, .. } = &self.nodes[self.find(path).unwrap()] {
            for name in latest.keys().cloned().collect::<Vec<_>>() {
                self.remove(&path.join(name));
            }
        }
        self.change(path, None);
    }

    fn sync(&mut self, path: &Path, bytes: Option<&Vec<u8>>) {
        let node = self.find(path).unwrap();
        match &mut self.nodes[node] {
            Node::File { durable, latest } => {
                latest.clone_from(bytes.unwrap());
                durable.clone_from(latest);
            }
            Node::Folder { durable, pending, latest } => {
                durable.clone_from(latest);
                pending.clear();
            }
            Node::Symlink(_) => unreachable!("nobody can wait for a link"),
        }
    }

    fn change(&mut self, path: &Path, node: Option<usize>) {
        self.changes(path.parent().unwrap(), vec![(name(path), node)]);
    }

    fn changes(&mut self, folder: &Path, change: Change) {
        let folder = self.find(folder).unwrap();
        let Node::Folder { pending, latest, .. } = &mut self.nodes[folder] else { unreachable!("a name in a file") };
        make(latest, &change);
        pending.push(change);
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.strip_prefix(&self.root).ok()?.components().try_fold(0, |node, part| match (&self.nodes[node], part) {
            (Node::Folder { latest, .. }, Component::Normal(name)) => latest.get(name.to_str().unwrap()).copied(),
            _ => None,
        })
    }

    /// Returns what is left after a power cut here, and how many changes nobody had waited for.
    pub(super) fn cut(&self, mut fate: Fate<'_>) -> (State, usize) {
        let (mut state, mut open) = (State::new(), 0);
        self.cut_node(0, Path::new(""), &mut fate, &mut open, &mut state);
        (state, open)
    }

    fn cut_node(&self, node: usize, path: &Path, fate: &mut Fate<'_>, open: &mut usize, state: &mut State) {
        let item = match &self.nodes[node] {
            Node::Symlink(target) => Item::Symlink(target.clone()),
            Node::File { durable, latest } if durable == latest => Item::File(durable.clone()),
            Node::File { durable, latest } => Item::File(bytes_after(durable, latest, fate, next(open))),
            Node::Folder { durable, pending, .. } => {
                let mut names = durable.clone();
                let likely = likelihood(fate);
                for change in pending {
                    if happens(fate, next(open), likely) {
                        make(&mut names, change);
                    }
                }
                for (name, node) in names {
                    self.cut_node(node, &path.join(name), fate, open, state);
                }
                Item::Folder
            }
        };
        state.insert(path.to_owned(), item);
    }
}

fn folder() -> Node {
    Node::Folder { durable: Names::new(), pending: Vec::new(), latest: Names::new() }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn make(names: &mut Names, change: &Change) {
    for (name, node) in change {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

fn next(open: &mut usize) -> usize {
    *open += 1;
    *open - 1
}

/// Returns how likely each change of a folder has happened: folders differ, so that whole ones are lost now and then.
fn likelihood(fate: &mut Fate<'_>) -> f64 {
    match fate {
        Fate::Random(random) => [0.05, 0.5, 0.95][random.random_range(0..3)],
        _ => 1.0,
    }
}

fn happens(fate: &mut Fate<'_>, number: usize, likely: f64) -> bool {
    match fate {
        Fate::Lost => false,
        Fate::Kept | Fate::Emptied => true,
        Fate::AllBut(lost) => *lost != number,
        Fate::Random(random) => random.random_bool(likely),
    }
}

fn bytes_after(durable: &[u8], latest: &[u8], fate: &mut Fate<'_>, number: usize) -> Vec<u8> {
    let cut = &latest[..latest.len() / 2];
    match fate {
        Fate::Lost => durable.to_vec(),
        Fate::Emptied => Vec::new(),
        Fate::AllBut(lost) if *lost == number => cut.to_vec(),
        Fate::Kept | Fate::AllBut(_) => latest.to_vec(),
        Fate::Random(random) => match random.random_range(0..5) {
            0 => durable.to_vec(),
            1 => Vec::new(),
            2 => cut.to_vec(),
            3 => vec![0; latest.len()],
            _ => latest.to_vec(),
        },
    }
}

/// Puts a state into an empty folder.
pub(super) fn materialise(state: &State, folder: &Path) {
    for (path, item) in state.iter().filter(|(path, _)| !path.as_os_str().is_empty()) {
        let at = folder.join(path);
        match item {
            Item::Folder => std::fs::create_dir(at).unwrap(),
            Item::File(bytes) => std::fs::write(at, bytes).unwrap(),
            Item::Symlink(target) => std::os::unix::fs::symlink(target, at).unwrap(),
        }
    }
}

#[test]
fn what_nobody_waited_for_may_be_lost_and_the_rest_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("old"), "old").unwrap();
    let mut disk = Disk::load(root);
    let at = |name: &str| root.join(name);
    disk.apply(&Step::File(at(".old.new")));
    disk.apply(&Step::Sync(at(".old.new"), Some(b"new".to_vec())));
    disk.apply(&Step::Rename(at(".old.new"), at("old"), Some(b"new".to_vec())));
    let old = |state: &State| state[Path::new("old")].clone();
    let (lost, open) = disk.cut(Fate::Lost);
    assert_eq!((old(&lost), open, lost.len()), (Item::File(b"old".to_vec()), 2, 2));
    // The rename may be there without what made the file it renames, and takes both names along.
    let (renamed, _) = disk.cut(Fate::AllBut(0));
    assert_eq!((old(&renamed), renamed.len()), (Item::File(b"new".to_vec()), 2));
    let (created, _) = disk.cut(Fate::AllBut(1));
    assert_eq!((old(&created), created.len()), (Item::File(b"old".to_vec()), 3));
    disk.apply(&Step::Sync(root.to_owned(), None));
    assert_eq!(disk.cut(Fate::Lost), disk.cut(Fate::Kept));
    assert_eq!(old(&disk.cut(Fate::Lost).0), Item::File(b"new".to_vec()));
}
