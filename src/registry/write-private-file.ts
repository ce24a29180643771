import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { randomBytes } from '../base/random.ts';

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * Puts a file in its place whole, readable by its owner only (0600, a new folder 0700): who reads meanwhile finds the old one.
 * A link is followed, and what it leads to is replaced. The owner stays.
 * @throws system errors
 */
export function writePrivateFile(path: string, text: string): void {
  const target = followLinks(path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const owner = statSync(target, { throwIfNoEntry: false });
  const temp = join(dirname(target), `.${basename(target).slice(0, 200)}.${randomBytes(6).toString('hex')}`);
  const fd = openSync(temp, 'wx', 0o600);
  try {
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (owner !== undefined && owner.uid !== statSync(temp).uid) chownSync(temp, owner.uid, owner.gid);
    renameSync(temp, target);
  } catch (error) {
    unlinkSync(temp);
    throw error;
  }
}

/** Where the links from `path` end; there need not be a file. */
function followLinks(path: string): string {
  let at = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      at = resolve(dirname(at), readlinkSync(at));
    } catch (error) {
      if (['EINVAL', 'ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return at;
      throw error;
    }
  }
  throw Object.assign(new Error(`${path}: too many links`), { code: 'ELOOP' });
}
