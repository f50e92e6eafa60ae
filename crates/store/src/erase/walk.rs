//! All files of a directory.

use std::io;
use std::path::Path;

use base::Disk;

/// All files under a directory, or what could not be listed.
pub(super) fn walk(
    disk: &dyn Disk,
    root: &Path,
    dir: &str,
    depth_left: usize,
    paths: &mut Vec<Result<String, (String, io::Error)>>,
) {
    let at = root.join(dir);
    let inner = |name: &String| match dir {
        "" => name.clone(),
        dir => format!("{dir}/{name}"),
    };
    match disk.list(&at) {
        Ok(mut names) => {
            names.sort_unstable();
            paths.extend(names.iter().map(|name| Ok(inner(name))));
        }
        Err(error) => return paths.push(Err((dir.to_owned(), error))),
    }
    match disk.list_dirs(&at) {
        Ok(names) if depth_left == 0 && !names.is_empty() => {
            paths.push(Err((
                dir.to_owned(),
                io::Error::other("its folders lie too deep"),
            )));
        }
        Ok(mut names) => {
            names.sort_unstable();
            for name in names {
                walk(disk, root, &inner(&name), depth_left - 1, paths);
            }
        }
        Err(error) => paths.push(Err((dir.to_owned(), error))),
    }
}
