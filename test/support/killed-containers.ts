import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './built-command.ts';

/** What runs in the containers: ends with 3 when asked to; it and its child carry the sandbox's mark. */
export const payload = (box: Sandbox): readonly string[] => [
  ...['-e', `SANDBOX=${box.folder}`, 'base:1'],
  ...['sh', '-c', 'trap "exit 3" TERM; echo ready; sleep 1000 & wait'],
];

/** The processes of containers' own programs. */
export const payloads = (box: Sandbox): readonly string[] =>
  box.processes().filter((line) => /^\d+ sh -c trap/.test(line));

/** Mounts of the sandbox in the namespaces of all processes of this machine. */
export function mountsAnywhere(box: Sandbox): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const lines = readOr(`/proc/${pid}/mountinfo`).split('\n');
    return lines.filter((line) => line.includes(box.folder)).map((line) => `${pid} ${line}`);
  });
}

/** All files and folders of the store that belong to no image and are no notes about one; rooms of roots without their names. */
export function storeFiles(box: Sandbox): readonly string[] {
  const names = readdirSync(box.store, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => !/^(?:blobs|notes|lock|snapshots\/o)\//.test(name))
    .map((name) => name.replace(/^snapshots\/t\/[^/]+/, 'snapshots/t/*'))
    .sort();
}

/** Cgroups that Dobos has made, of whichever store. */
export function cgroups(): readonly string[] {
  const trees = ['/sys/fs/cgroup', ...namesIn('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name))];
  return trees.flatMap((tree) => namesIn(join(tree, 'dobos')).map((name) => join(tree, 'dobos', name)));
}

/** The folders in it; none where there is no such folder. */
function namesIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
