import { readFileSync } from 'node:fs';

/** What the user namespace of this process allows. */
export interface OwnNamespace {
  /** False for real root on the host. */
  readonly isUserNamespace: boolean;
  /** Whether supplementary groups may be set. */
  readonly canSetGroups: boolean;
  hasUser(uid: number): boolean;
  hasGroup(gid: number): boolean;
}

let own: OwnNamespace | undefined;

/** The rules of this process's user namespace, read from /proc/self; permissive where there is no such file. Read once: a process of many threads cannot enter another (unshare(2)). */
export function readOwnNamespace(): OwnNamespace {
  own ??= parseOwnNamespace(readOr('uid_map'), readOr('gid_map'), readOr('setgroups'));
  return own;
}

const ALL_IDS = 4294967295;

/** What the texts of /proc/self/uid_map, gid_map and setgroups say (user_namespaces(7)). */
export function parseOwnNamespace(uidMap: string, gidMap: string, setgroups: string): OwnNamespace {
  const users = parseRanges(uidMap);
  const groups = parseRanges(gidMap);
  return {
    isUserNamespace:
      users !== undefined && !users.some(({ first, count }) => first === 0 && count === ALL_IDS),
    canSetGroups: setgroups.trim() !== 'deny',
    hasUser: (uid) => holds(users, uid),
    hasGroup: (gid) => holds(groups, gid),
  };
}

interface IdRange {
  readonly first: number;
  readonly count: number;
}

function holds(ranges: readonly IdRange[] | undefined, id: number): boolean {
  return ranges?.some(({ first, count }) => id >= first && id < first + count) ?? true;
}

/** user_namespaces(7): lines of "first inside, first outside, count". */
function parseRanges(text: string): IdRange[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return undefined;
  return lines.map((line) => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return { first: first ?? 0, count: count ?? 0 };
  });
}

function readOr(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'latin1');
  } catch {
    return '';
  }
}
