import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { getXattr, listXattrs } from '../../src/linux/xattr.ts';

/** path -> what a person can see of it; hard links by the first of their names. */
export type View = Record<string, string>;

/** What is in a folder; of the `untimed` paths without their time. */
export function viewOfDisk(root: string, untimed: ReadonlySet<string>): View {
  const view: View = {};
  const first = new Map<number, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = path === '' ? name : `${path}/${name}`;
      const disk = join(root, below);
      const stat = lstatSync(disk);
      const owner = `${stat.uid}:${stat.gid}`;
      const time = untimed.has(below) ? '' : ` ${Math.floor(stat.mtimeMs / 1000)}`;
      const mode = (stat.mode & 0o7777).toString(8);
      const attributes = (): string => showXattrs(listXattrs(disk).map((key) => [key, getXattr(disk, key)!]));
      if (stat.isSymbolicLink()) view[below] = `symlink ${owner}${time} -> ${readlinkSync(disk)}`;
      else if (stat.isDirectory()) {
        view[below] = `directory ${mode} ${owner}${time}${attributes()}`;
        visit(below);
      } else {
        const same = first.get(stat.ino) ?? below;
        first.set(stat.ino, same);
        const kind = stat.isFile() ? 'file' : stat.isFIFO() ? 'fifo' : 'character';
        const digest = (): string => createHash('sha256').update(readFileSync(disk)).digest('hex');
        const content = stat.isFile() ? `${stat.size} sha256:${digest()}` : kind;
        view[below] = `${kind} ${mode} ${owner}${time}${attributes()} ${content} = ${same}`;
      }
    }
  };
  visit('');
  return view;
}

/** Attributes in a fixed order. */
export function showXattrs(xattrs: readonly (readonly [string, Uint8Array])[]): string {
  return xattrs
    .map(([name, value]) => ` ${name}=${Buffer.from(value).toString('hex')}`)
    .sort()
    .join('');
}
