import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { isErrno } from '../linux/at.ts';
import { deviceParts, mknod, S_IFCHR, S_IFIFO } from '../linux/nodes.ts';
import { DEVICES } from './capabilities.ts';
import type { OutputPipe } from './run-program.ts';

/** What stands in for devices until closed. */
export interface PlainDevices {
  close(): void;
}

/** Names of output that a step can open again: pipes, as there is no /proc to find its own in. */
const OUTPUTS = ['stdout', 'stderr'] as const;

/**
 * Fills a /dev without mounting anything: device files where they may be made and opened. Where they may not (no CAP_MKNOD, a file system mounted `nodev`),
 * `null` is an empty file that is emptied whenever it was written to, `zero`, `random` and `urandom` are pipes that never end, and `full` and `tty` are missing.
 * `outputs`: the step's output goes through pipes here (`openOutputs`).
 */
export function fillPlainDev(dev: string, outputs: boolean): PlainDevices {
  const closers: (() => void)[] = [];
  for (const name of DEVICES) {
    if (lstatSync(`/dev/${name}`, { throwIfNoEntry: false })?.isCharacterDevice() !== true) continue;
    if (!makeDevice(dev, name)) closers.push(...standIn(dev, name));
  }
  symlinkSync('null', fsPath(join(dev, 'stdin')));
  if (outputs) for (const name of OUTPUTS) mknod(join(dev, name), S_IFIFO | 0o600);
  for (const name of ['fd', 'pts', 'shm', 'mqueue']) mkdirSync(fsPath(join(dev, name)), { mode: 0o755 });
  for (const [fd, name] of ['stdin', ...OUTPUTS].entries()) {
    symlinkSync(`../${name}`, fsPath(join(dev, 'fd', String(fd))));
  }
  chmodSync(fsPath(join(dev, 'shm')), 0o1777);
  return { close: () => closers.forEach((close) => void close()) };
}

/** Both ends of each pipe for a step's output, in a /dev that was filled with them. No process may run there yet. */
export function openOutputs(dev: string): readonly [stdout: OutputPipe, stderr: OutputPipe] {
  const open = (name: string): OutputPipe => {
    const path = fsPath(join(dev, name));
    // The reader comes first, and does not wait for a writer.
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read, write: openSync(path, constants.O_WRONLY) };
  };
  return [open('stdout'), open('stderr')];
}

function makeDevice(dev: string, name: string): boolean {
  const path = join(dev, name);
  try {
    const { major, minor } = deviceParts(statSync(`/dev/${name}`).rdev);
    mknod(path, S_IFCHR | 0o666, major, minor);
    chmodSync(fsPath(path), 0o666);
  } catch (error) {
    if (isErrno(error, 'EPERM')) return false;
    throw error;
  }
  try {
    closeSync(openSync(fsPath(path), constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK));
  } catch (error) {
    // Of a terminal nobody has: ENXIO.
    if (systemCode(error) !== 'EACCES' && systemCode(error) !== 'EPERM') return true;
    unlinkSync(fsPath(path));
    return false;
  }
  return true;
}

const PIPES: ReadonlyMap<string, string> = new Map([
  ['zero', '/dev/zero'],
  ['random', '/dev/urandom'],
  ['urandom', '/dev/urandom'],
]);

function standIn(dev: string, name: string): (() => void)[] {
  const path = join(dev, name);
  if (name === 'null') {
    writeFileSync(fsPath(path), '');
    chmodSync(fsPath(path), 0o666);
    return [keepEmpty(path)];
  }
  const source = PIPES.get(name);
  if (source === undefined) return [];
  mknod(path, S_IFIFO | 0o444);
  chmodSync(fsPath(path), 0o444);
  return [feed(path, source)];
}

/** By its descriptor, as the folder is moved. */
function keepEmpty(path: string): () => void {
  const fd = openSync(fsPath(path), 'r+');
  const watcher = watch(fsPath(path), { persistent: false }, () => {
    if (fstatSync(fd).size > 0) ftruncateSync(fd);
  });
  return () => {
    watcher.close();
    closeSync(fd);
  };
}

/** Keeps a pipe full, so that whoever opens it reads on and on, and nobody reads the same. */
function feed(path: string, source: string): () => void {
  const pipe = new Socket({
    fd: openSync(fsPath(path), constants.O_RDWR | constants.O_NONBLOCK),
    readable: false,
    writable: true,
  });
  const bytes = createReadStream(source);
  for (const stream of [pipe, bytes]) stream.on('error', () => {});
  bytes.pipe(pipe.unref());
  return () => {
    bytes.destroy();
    pipe.destroy();
  };
}
