import { mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { rootfsError } from './errors.ts';
import { removeTree } from './remove-tree.ts';
import type { Session } from './sessions.ts';
import type { SnapshotFormat } from './snapshot-names.ts';
import type { RootPlace } from './types.ts';

/** Names in a root's own folder: `u` and `w` are the overlay's upper and working directory, `m` a whole copy. */
const FORMAT_FILE = 'format';
const POINTS_FILE = 'points';

/** The root of a container's folder: a directory, or a link to one that lives as long as its process. */
export const rootOf = (folder: string): string => `${folder}/root`;

/** The file with the mount points of a root (`mount-points.ts`). */
export const pointsOf = (home: string): string => `${home}/${POINTS_FILE}`;

/**
 * The directory that a root's files lie in: `session` itself, or the container's own, which `fill` makes once. It is made aside and renamed, so
 * that it is whole or not there. @throws ROOTFS_KEPT_FORMAT
 */
export async function homeOf(
  session: string,
  place: RootPlace | undefined,
  format: SnapshotFormat,
  fill: (home: string) => void | Promise<void>,
): Promise<string> {
  if (place?.keep !== true) {
    await fill(session);
    if (place !== undefined) {
      writeFileSync(`${session}/${FORMAT_FILE}`, format);
      symlinkSync(relative(place.folder, session), rootOf(place.folder));
    }
    return session;
  }
  const home = rootOf(place.folder);
  if (keptFormat(place.folder, format) !== undefined) return home;
  const aside = `${session}/k`;
  mkdirSync(aside, { mode: 0o700 });
  await fill(aside);
  writeFileSync(`${aside}/${FORMAT_FILE}`, format);
  renameSync(aside, home);
  return home;
}

/** How the root of the folder is kept; undefined if it has none. @throws ROOTFS_KEPT_FORMAT if that is another format */
export function keptFormat(folder: string, want: SnapshotFormat): SnapshotFormat | undefined {
  let got: string;
  try {
    got = readFileSync(`${rootOf(folder)}/${FORMAT_FILE}`, 'latin1');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (got !== want) throw rootfsError('ROOTFS_KEPT_FORMAT', { folder, want, got });
  return want;
}

/** Removes the root of a container's folder: out of its place at once, then in the session, where what a kill leaves is found. */
export function discardRoot(session: Session, folder: string): void {
  const home = rootOf(folder);
  if (isLink(home)) {
    removeTree(home);
    return;
  }
  const trash = session.makeFolder();
  try {
    renameSync(home, `${trash}/k`);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  removeTree(trash);
}

function isLink(path: string): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch {
    return false;
  }
}
