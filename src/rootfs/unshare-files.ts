import { lstatSync, readdirSync, renameSync } from 'node:fs';
import { decodeName, fsPath } from '../base/names.ts';
import { randomBytes } from '../base/random.ts';
import { copyPath } from './copy-tree.ts';

/** Of a name that nothing else has. */
const NAME_BYTES = 8;

/**
 * Gives a folder files of its own: those that also have a name outside of it are replaced by copies, so that who writes to them there changes nothing here, and the other way
 * round. Names inside that belonged together stay together only if they have none outside. Only for a folder that nobody else changes meanwhile.
 */
export function unshareFiles(folder: string): void {
  const linked = new Map<string, { readonly names: string[]; readonly links: number }>();
  const folders = [folder];
  for (const path of folders) {
    for (const entry of readdirSync(fsPath(path), { withFileTypes: true, encoding: 'buffer' })) {
      const file = `${path}/${decodeName(entry.name)}`;
      if (entry.isDirectory()) folders.push(file);
      else if (entry.isFile()) {
        const { dev, ino, nlink } = lstatSync(fsPath(file), { bigint: true });
        if (nlink === 1n) continue;
        const known = linked.get(`${dev}:${ino}`);
        if (known === undefined) linked.set(`${dev}:${ino}`, { names: [file], links: Number(nlink) });
        else known.names.push(file);
      }
    }
  }
  for (const { names, links } of linked.values()) if (names.length < links) names.forEach(replaceByCopy);
}

function replaceByCopy(file: string): void {
  const copy = `${file.slice(0, file.lastIndexOf('/'))}/.${randomBytes(NAME_BYTES).toString('hex')}`;
  copyPath(file, copy);
  renameSync(fsPath(copy), fsPath(file));
}
