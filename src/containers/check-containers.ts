import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isDobosError } from '../base/errors.ts';
import { readNames } from '../store/blob-files.ts';
import type { StoreProblem } from '../store/contract.ts';
import { isContainerId, openContainerRecords } from './container-records.ts';

/** What is wrong with the containers of the store in `folder`: documents that cannot be read, folders that belong to none. Nothing of it is repaired: what a container wrote is nowhere else. */
export function* checkContainers(folder: string): Iterable<StoreProblem> {
  const records = openContainerRecords(folder, { now: Date.now, random: Math.random });
  for (const name of readNames(join(folder, 'containers'))) {
    const problem = isContainerId(name) ? problemOf(() => records.get(name)) : 'is not named by an id';
    // A container that has just been removed is no problem.
    if (problem === undefined || !exists(join(folder, 'containers', name))) continue;
    yield { kind: 'leftover', what: `containers/${name} ${problem}`, repaired: false };
  }
}

function problemOf(read: () => unknown): string | undefined {
  try {
    return read() === undefined ? 'has no document' : undefined;
  } catch (error) {
    if (isDobosError(error, 'CONTAINER_BROKEN')) return `cannot be read: ${String(error.facts.problem)}`;
    throw error;
  }
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
