import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every path below a folder with what it is: kind, mode, owner, target or content, and the first name of the same file. Not times: RUN and COPY make them anew. */
export function treeOf(folder: string): Readonly<Record<string, string>> {
  const tree: Record<string, string> = {};
  const names = new Map<number, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(folder, path)).sort()) {
      const at = join(path, name);
      const whole = join(folder, at);
      const stat = lstatSync(whole);
      const owner = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
      if (stat.isDirectory()) {
        tree[at] = `folder ${owner}`;
        visit(at);
      } else if (stat.isSymbolicLink()) tree[at] = `link ${stat.uid}:${stat.gid} -> ${readlinkSync(whole)}`;
      else {
        const first = names.get(stat.ino) ?? at;
        names.set(stat.ino, first);
        const content = stat.isFile()
          ? createHash('sha256').update(readFileSync(whole)).digest('hex')
          : 'special';
        tree[at] =
          `${stat.isFile() ? 'file' : 'special'} ${owner} ${content.slice(0, 16)}${stat.nlink > 1 ? ` = ${first}` : ''}`;
      }
    }
  };
  visit('');
  return tree;
}

/** What differs, a line each. */
export function treeDifferences(
  ours: Readonly<Record<string, string>>,
  theirs: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    .sort()
    .filter((path) => ours[path] !== theirs[path])
    .map((path) => `${path}: ${ours[path] ?? 'nothing'} | ${theirs[path] ?? 'nothing'}`);
}
