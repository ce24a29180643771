import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { readNames } from '../store/blob-files.ts';
import { writeFailure } from '../store/errors.ts';
import { makeTempFolder } from '../store/temp-folder.ts';
import { lockContainers } from './container-lock.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

/** A folder that outlives containers. */
export interface Volume {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Made for one container without a name, and removed with it by `rm -v` and `--rm`. */
  readonly anonymous: boolean;
}

export type NewVolume = Omit<Volume, 'createdAt'>;

/** The volumes of a store: a folder `volumes/<name>` each, with `volume.json` and the files in `_data`. */
export interface Volumes {
  /** Where the files of a volume lie. */
  folderOf(name: string): string;
  /** By name. Folders that are no volumes are left out. */
  list(): readonly Volume[];
  get(name: string): Volume | undefined;
  /** Makes those that are not there. */
  ensure(volumes: readonly NewVolume[]): Promise<void>;
  /** Takes a volume out of the store unless one of `users` uses it; the folder that is to be removed with all below it. @throws VOLUME_IN_USE, VOLUME_UNKNOWN */
  takeOut(name: string, users: () => Promise<readonly Container[]>): Promise<string>;
}

/** As docker has it, with an end: file names have one too. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/;
const MAX_DOCUMENT_BYTES = 1024 * 1024;
const VERSION = 1;
const DATA = '_data';

/** The name itself. @throws VOLUME_NAME */
export function parseVolumeName(name: string): string {
  if (!NAME.test(name)) throw containerError('VOLUME_NAME', { name });
  return name;
}

/** The containers that use the volume. */
export const usersOf = (name: string, containers: readonly Container[]): Container[] =>
  containers.filter(({ process }) => process.binds.some((bind) => bind.volume === name));

/** The volumes of the store in `folder`. */
export function openVolumes(folder: string, { now }: { readonly now: () => number }): Volumes {
  const base = join(folder, 'volumes');
  const get = (name: string): Volume | undefined => {
    if (!NAME.test(name)) return undefined;
    return readVolume(join(base, name, 'volume.json'), name);
  };
  const locked = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      const lock = await lockContainers(join(folder, 'lock', 'volumes'));
      try {
        return await work();
      } finally {
        lock.release();
      }
    } catch (error) {
      throw writeFailure(error, folder, doing);
    }
  };
  return {
    folderOf: (name) => join(base, name, DATA),
    get,
    list: () =>
      readNames(base)
        .flatMap((name) => get(name) ?? [])
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ensure: async (volumes) => {
      if (volumes.every(({ name }) => get(name) !== undefined)) return;
      await locked('making a volume', async () => {
        mkdirSync(base, { recursive: true, mode: 0o711 });
        for (const { name, labels, anonymous } of volumes) {
          if (get(name) !== undefined) continue;
          const made = makeTempFolder(folder);
          mkdirSync(join(made.path, DATA));
          // The container's users see this folder's own rights, whatever the umask is.
          chmodSync(join(made.path, DATA), 0o755);
          const text = `${JSON.stringify({ version: VERSION, name, createdAt: now(), labels, anonymous }, null, 1)}\n`;
          writeFileSync(join(made.path, 'volume.json'), text, { flush: true });
          renameSync(made.path, join(base, name));
        }
      });
    },
    takeOut: (name, users) =>
      locked(`removing volume ${name}`, async () => {
        if (get(name) === undefined) throw containerError('VOLUME_UNKNOWN', { name });
        const using = usersOf(name, await users());
        if (using.length > 0) {
          const names = using.map((container) => container.name);
          throw containerError('VOLUME_IN_USE', { name, ids: using.map(({ id }) => id), names });
        }
        const trash = makeTempFolder(folder);
        renameSync(join(base, name), join(trash.path, 'v'));
        return trash.path;
      }),
  };
}

function readVolume(path: string, name: string): Volume | undefined {
  try {
    if (lstatSync(path).isSymbolicLink() || statSync(path).size > MAX_DOCUMENT_BYTES) return undefined;
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Volume> & { version?: unknown };
    if (value.version !== VERSION || value.name !== name || typeof value.createdAt !== 'number')
      return undefined;
    const labels = Object.entries(value.labels ?? {}).filter((label) => typeof label[1] === 'string');
    return {
      name,
      createdAt: value.createdAt,
      labels: Object.fromEntries(labels),
      anonymous: value.anonymous === true,
    };
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''))
      return undefined;
    throw error;
  }
}
