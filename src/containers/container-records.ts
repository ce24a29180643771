import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDobosError, systemCode } from '../base/errors.ts';
import { readBootTime } from '../runtime/process-table.ts';
import { replaceFile, syncFolder, withFolder } from '../store/atomic-file.ts';
import { readNames } from '../store/blob-files.ts';
import { isUnwritable, writeFailure } from '../store/errors.ts';
import { ownerState } from '../store/owner.ts';
import { makeTempFolder, removeFolder } from '../store/temp-folder.ts';
import { formatContainer, MAX_DOCUMENT_BYTES, parseContainer } from './container-file.ts';
import { hasRoot, removeLeftovers, removeLimits, TRASH } from './container-leftovers.ts';
import { lockContainers } from './container-lock.ts';
import { makeContainerName, parseContainerName } from './container-name.ts';
import { settleState } from './container-state.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

/** A container that has no name yet; one without a wish gets a made-up one. */
export type NewContainer = Omit<Container, 'name'> & { readonly name?: string | undefined };

/** The containers of a store: a folder `containers/<id>` each, with a document that is replaced in one step. Changes are made one after the other, by whichever process. */
export interface ContainerRecords {
  /** The folder of a container; its root is in it (rootfs/types.ts, `RootPlace`). */
  folderOf(id: string): string;
  /** All, newest first, as they really are: what died with its command has ended, and is gone if it was to remove itself. Documents that cannot be read are told and left out. */
  list(onBroken?: (error: unknown) => void): Promise<readonly Container[]>;
  /** @throws CONTAINER_NAME, CONTAINER_NAME_TAKEN */
  create(container: NewContainer): Promise<Container>;
  /** Replaces the container by what `change` makes of it as it is now. @throws CONTAINER_UNKNOWN if it has gone */
  change(id: string, change: (now: Container) => Container): Promise<Container>;
  /** @throws CONTAINER_NAME, CONTAINER_NAME_TAKEN */
  rename(id: string, name: string): Promise<void>;
  /** Forgets the container and removes what is left in its folder. */
  remove(id: string): Promise<void>;
  /** As it really is, if it is there. @throws CONTAINER_BROKEN */
  get(id: string): Container | undefined;
}

export interface RecordsOptions {
  readonly now: () => number;
  /** Numbers from 0 up to but not including 1, for made-up names. */
  readonly random: () => number;
}

/** Whether a file name can be that of a container's folder. */
export const isContainerId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** The containers of the store in `folder`. */
export function openContainerRecords(folder: string, { now, random }: RecordsOptions): ContainerRecords {
  const base = join(folder, 'containers');
  const folderOf = (id: string): string => join(base, id);
  const fileOf = (id: string): string => join(folderOf(id), 'container.json');

  const read = (id: string): Container | undefined => {
    const path = fileOf(id);
    const text = readOrNone(path);
    if (text === undefined) return undefined;
    const parsed = parseContainer(text, id);
    if (typeof parsed === 'string') throw containerError('CONTAINER_BROKEN', { path, problem: parsed });
    return parsed;
  };
  const readAll = (onBroken: (error: unknown) => void): Container[] => {
    const found: Container[] = [];
    for (const id of readNames(base)) {
      if (!isContainerId(id)) continue;
      try {
        const container = read(id);
        if (container !== undefined) found.push(container);
      } catch (error) {
        if (!isDobosError(error, 'CONTAINER_BROKEN')) throw error;
        onBroken(error);
      }
    }
    return found;
  };
  /** What killed ones have left goes before the first change. */
  let tidied: Promise<void> | undefined;
  const locked = async <T>(doing: string, work: () => T): Promise<T> => {
    tidied ??= removeLeftovers(folder);
    await tidied;
    try {
      const lock = await lockContainers(join(folder, 'lock', 'containers'));
      try {
        return work();
      } finally {
        lock.release();
      }
    } catch (error) {
      throw writeFailure(error, folder, doing);
    }
  };
  const write = (container: Container): void => {
    // Made durable when it was made; how it goes on may be lost with the power, then it reads as running under an older boot.
    replaceFile(folder, fileOf(container.id), formatContainer(container), { durable: false });
  };
  const seen = (container: Container): Container =>
    settleState(container, { ownerState, now: now(), bootedAt: readBootTime() });
  /** The container of that name, if it may not be given once more. */
  const holderOf = (name: string): Container | undefined =>
    readAll(() => {}).find((container) => container.name === name);
  /** One that died and was to remove itself holds its name no longer. */
  const removeDead = async (name: string): Promise<void> => {
    const holder = holderOf(name);
    if (holder?.autoRemove !== true || seen(holder) === holder) return;
    await removeLimits(holder);
    await records.remove(holder.id);
  };
  const refuseTaken = (name: string, except?: string): void => {
    const holder = holderOf(name);
    if (holder === undefined || holder.id === except) return;
    throw containerError('CONTAINER_NAME_TAKEN', { name, id: holder.id.slice(0, 12) });
  };

  const records: ContainerRecords = {
    folderOf,
    get(id) {
      const container = read(id);
      return container && seen(container);
    },
    async list(onBroken = () => {}) {
      const all: Container[] = [];
      let died = false;
      for (const container of readAll(onBroken)) {
        const settled = seen(container);
        died ||= settled !== container;
        try {
          if (settled === container) all.push(container);
          else if (container.autoRemove) {
            // Whoever looks next finishes with what is still dying.
            if (await removeLimits(container)) await records.remove(container.id);
          } else all.push(await records.change(container.id, (same) => same));
        } catch (error) {
          // It can be looked at all the same.
          if (isUnwritable(error)) all.push(settled);
          else if (!isDobosError(error, 'CONTAINER_UNKNOWN')) throw error;
        }
      }
      // What its command left in the store goes too.
      if (died) await removeLeftovers(folder);
      return all.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
    },
    async create(wanted) {
      const asked = wanted.name === undefined ? undefined : parseContainerName(wanted.name);
      if (asked !== undefined) await removeDead(asked);
      return locked('making a container', () => {
        if (asked !== undefined) refuseTaken(asked);
        const isTaken = (name: string): boolean => holderOf(name) !== undefined;
        const container: Container = { ...wanted, name: asked ?? makeContainerName(isTaken, random) };
        const made = makeTempFolder(folder);
        try {
          writeFileSync(join(made.path, 'container.json'), formatContainer(container), {
            mode: 0o600,
            flush: !container.autoRemove,
          });
          withFolder(folderOf(container.id), () => renameSync(made.path, folderOf(container.id)));
        } catch (error) {
          made.remove();
          throw error;
        }
        if (!container.autoRemove) syncFolder(base);
        return container;
      });
    },
    change: (id, change) =>
      locked(`writing container ${id}`, () => {
        const now = read(id);
        if (now === undefined) throw containerError('CONTAINER_UNKNOWN', { name: id, nearest: [] });
        const changed = change(seen(now));
        if (changed !== now) write(changed);
        return changed;
      }),
    async rename(id, text) {
      const name = parseContainerName(text);
      await removeDead(name);
      await locked(`renaming container ${id}`, () => {
        const container = read(id);
        if (container === undefined) throw containerError('CONTAINER_UNKNOWN', { name: id, nearest: [] });
        refuseTaken(name, id);
        write({ ...container, name });
      });
    },
    async remove(id) {
      const trash = await locked(`removing container ${id}`, () => {
        const made = makeTempFolder(folder);
        try {
          renameSync(folderOf(id), join(made.path, TRASH));
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') throw error;
        }
        return made.path;
      });
      if (hasRoot(join(trash, TRASH))) (await import('../rootfs/remove-tree.ts')).removeTree(trash);
      else removeFolder(trash);
    },
  };
  return records;
}

function readOrNone(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_DOCUMENT_BYTES) {
      throw containerError('CONTAINER_BROKEN', { path, problem: 'it is too large' });
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
