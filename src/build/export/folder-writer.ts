import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { fsPath } from '../../base/names.ts';
import { randomBytes } from '../../base/random.ts';

/**
 * Puts files into a folder and never through a symbolic link: what stands in the way of a directory is replaced. Paths are relative and clean.
 * Files get temporary names first, so that none is ever half there under its own. All calls are synchronous.
 */
export interface FolderWriter {
  directory(path: string, facts: Facts): void;
  /** A new file, to be written and then kept. */
  open(path: string, facts: Facts): OpenFile;
  /** `fill` writes the content to the open file. */
  file(path: string, facts: Facts, fill: (fd: number) => void): void;
  symlink(path: string, target: string, facts: Pick<Facts, 'mtime'>): void;
  /** A second name of a file that is there; false if it is not, or a folder on its way is a link. */
  link(path: string, target: string): boolean;
  /** Gives the directories their modes and times: before, they must be open to their owner. */
  finish(): void;
}

export interface OpenFile {
  readonly fd: number;
  /** Closes it and gives it its name. */
  keep(): void;
  /** Closes and removes it. */
  drop(): void;
}

interface Facts {
  /** 0 to 0o7777. */
  readonly mode: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** A writer into `root`, which must be a folder; what it holds stays unless something of that name comes. @throws system errors */
export function createFolderWriter(root: string): FolderWriter {
  /** Directories that were seen or made, and are no links. */
  const real = new Set<string>(['']);
  const directories = new Map<string, Facts>();
  const mark = `.dobos-${randomBytes(6).toString('hex')}`;
  let made = 0;
  const at = (path: string): string | Buffer => fsPath(path === '' ? root : `${root}/${path}`);

  const enter = (path: string): void => {
    if (real.has(path)) return;
    enter(parentOf(path));
    const found = lstatSync(at(path), { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) {
      if (found !== undefined) rmSync(at(path));
      mkdirSync(at(path), 0o755);
    } else if ((found.mode & 0o700) !== 0o700) openUp(path, found.mode);
    real.add(path);
  };
  const openUp = (path: string, mode: number): void => {
    const fd = openSync(at(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      fchmodSync(fd, (mode & 0o7777) | 0o700);
    } finally {
      closeSync(fd);
    }
  };
  const tempFor = (path: string): string | Buffer => {
    const parent = parentOf(path);
    enter(parent);
    return at(parent === '' ? `${mark}-${made++}` : `${parent}/${mark}-${made++}`);
  };
  /** Puts what was made under a temporary name in the place of whatever is there. */
  const settle = (temp: string | Buffer, path: string): void => {
    if (real.has(path) || lstatSync(at(path), { throwIfNoEntry: false })?.isDirectory() === true) {
      rmSync(at(path), { recursive: true, force: true });
      real.clear();
      real.add('');
      directories.delete(path);
    }
    renameSync(temp, at(path));
  };
  const replace = (path: string, make: (temp: string | Buffer) => void): void => {
    const temp = tempFor(path);
    try {
      make(temp);
      settle(temp, path);
    } catch (error) {
      rmSync(temp, { force: true });
      throw error;
    }
  };
  const open = (path: string, { mode, mtime }: Facts): OpenFile => {
    const temp = tempFor(path);
    const fd = openSync(temp, NEW_FILE, 0o600);
    const drop = (): void => {
      closeSync(fd);
      rmSync(temp, { force: true });
    };
    return {
      fd,
      keep() {
        try {
          fchmodSync(fd, mode & 0o7777);
          futimesSync(fd, mtime, mtime);
          settle(temp, path);
        } catch (error) {
          drop();
          throw error;
        }
        closeSync(fd);
      },
      drop,
    };
  };

  return {
    directory(path, facts) {
      enter(path);
      if (path !== '') directories.set(path, facts);
    },
    open,
    file(path, facts, fill) {
      const file = open(path, facts);
      try {
        fill(file.fd);
      } catch (error) {
        file.drop();
        throw error;
      }
      file.keep();
    },
    symlink(path, target, { mtime }) {
      replace(path, (temp) => {
        symlinkSync(fsPath(target), temp);
        lutimesSync(temp, mtime, mtime);
      });
    },
    link(path, target) {
      if (path === target || target === '') return path === target;
      // The way to the target must not lead through a link: link(2) would follow it out of the folder.
      for (let folder = parentOf(target); !real.has(folder); folder = parentOf(folder)) {
        if (lstatSync(at(folder), { throwIfNoEntry: false })?.isDirectory() !== true) return false;
      }
      const found = lstatSync(at(target), { throwIfNoEntry: false });
      if (found === undefined || found.isDirectory()) return false;
      enter(parentOf(path));
      // Of two names of one file rename(2) changes nothing, and a third would stay.
      if (lstatSync(at(path), { throwIfNoEntry: false })?.ino === found.ino) return true;
      replace(path, (temp) => linkSync(at(target), temp));
      return true;
    },
    finish() {
      // Deepest first: a directory that is closed to its owner ends the way to what is below.
      for (const [path, { mode, mtime }] of [...directories]
        .reverse()
        .sort(([a], [b]) => depth(b) - depth(a))) {
        setFacts(at(path), mode, mtime);
      }
    },
  };
}

function setFacts(path: string | Buffer, mode: number, mtime: number): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    // Something else took its place later in the row.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return;
    throw error;
  }
  try {
    fchmodSync(fd, mode & 0o7777);
    futimesSync(fd, mtime, mtime);
  } catch (error) {
    // A folder of another user's, merged into, stays as it is.
    if (systemCode(error) !== 'EPERM') throw error;
  } finally {
    closeSync(fd);
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function depth(path: string): number {
  return path.split('/').length;
}
