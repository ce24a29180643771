import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { ByteStream, FileRegion } from '../../base/bytes.ts';
import { fsPath } from '../../base/names.ts';
import type { LocalStore, StagedFile } from '../../store/contract.ts';

/** Files of the store's staging that live as long as one step. */
export interface Staging {
  file(): Promise<StagedFile>;
  /** The path of a folder that is not there yet and goes with the rest. */
  folder(): Promise<string>;
  /** A new file with these bytes. */
  write(bytes: ByteStream): Promise<FileRegion>;
  close(): Promise<void>;
}

export function createStaging(store: LocalStore): Staging {
  const staged: StagedFile[] = [];
  const folders: string[] = [];
  const file = async (): Promise<StagedFile> => {
    const made = await store.stage();
    staged.push(made);
    return made;
  };
  return {
    file,
    async write(bytes) {
      const { path } = await file();
      const fd = openSync(fsPath(path), 'r+');
      let size = 0;
      try {
        for await (const chunk of bytes) {
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
          size += chunk.length;
        }
      } finally {
        closeSync(fd);
      }
      return { path, offset: 0, size };
    },
    async folder() {
      // Beside a staged file and named like it, so that it is removed too if this process dies.
      const path = `${(await file()).path}-folder`;
      folders.push(path);
      return path;
    },
    async close() {
      for (const path of folders.splice(0)) rmSync(fsPath(path), { recursive: true, force: true });
      for (const each of staged.splice(0)) await each.abort();
    },
  };
}
