import { editDistance } from '../base/edit-distance.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

/** Digits of an id as lists show it. */
export const SHORT_ID = 12;
/** Names offered for one that is unknown, and ids named for an ambiguous one. */
const MAX_OFFERED = 2;
const MAX_LISTED = 5;

/** The container that a person means, as docker looks for it: a whole id, a name, then the beginning of one id. @throws CONTAINER_UNKNOWN, CONTAINER_AMBIGUOUS */
export function findContainer(containers: readonly Container[], text: string): Container {
  const name = text.startsWith('/') ? text.slice(1) : text;
  const exact = containers.find(({ id }) => id === name) ?? containers.find((each) => each.name === name);
  if (exact !== undefined) return exact;
  const begun = /^[0-9a-f]{1,63}$/.test(name) ? containers.filter(({ id }) => id.startsWith(name)) : [];
  if (begun.length > 1) {
    const digits = Math.max(SHORT_ID, name.length + 4);
    const matches = begun.slice(0, MAX_LISTED).map(({ id }) => id.slice(0, digits));
    throw containerError('CONTAINER_AMBIGUOUS', { name, matches });
  }
  if (begun[0] === undefined)
    throw containerError('CONTAINER_UNKNOWN', { name, nearest: near(containers, name) });
  return begun[0];
}

function near(containers: readonly Container[], text: string): string[] {
  const limit = Math.max(1, Math.floor(text.length / 4));
  return containers
    .map(({ name }) => ({ name, distance: editDistance(name, text.slice(0, 128)) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_OFFERED)
    .map(({ name }) => name);
}
