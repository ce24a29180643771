import { errorMaker } from '../base/errors.ts';

type UserErrors = {
  IMAGE_USER_UNKNOWN: { user: string };
  IMAGE_GROUP_UNKNOWN: { group: string };
  IMAGE_USER_RANGE: { id: string };
};
const userError = errorMaker<UserErrors>({
  IMAGE_USER_UNKNOWN: ({ user }) => ({
    message: `user ${user} is not in /etc/passwd of the image`,
    hint: 'create it in an earlier step, or give a number',
  }),
  IMAGE_GROUP_UNKNOWN: ({ group }) => ({
    message: `group ${group} is not in /etc/group of the image`,
    hint: 'create it in an earlier step, or give a number',
  }),
  IMAGE_USER_RANGE: ({ id }) => `user or group id ${id} is out of range, want 0 to ${MAX_ID}`,
});

/** As docker and podman: larger numbers would turn negative, and into root, in some runtimes. */
const MAX_ID = 2 ** 31 - 1;

/** Whom a process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one first. */
  readonly groups: readonly number[];
  /** Home directory from /etc/passwd, `/` without a line there. */
  readonly home: string;
  /** Login name, undefined for a uid without a line. */
  readonly name: string | undefined;
}

/**
 * The ids that `user|uid[:group|gid]` ('' = root) means by the texts of the image's own /etc/passwd and /etc/group.
 * A number is never a name; the first matching line wins; malformed lines do not count. Without a group the supplementary groups are all that
 * list the user's name. The algorithm of moby/sys/user `GetExecUser`; image-spec 1.1 (conversion) leaves supplementary groups open.
 * @throws IMAGE_USER_UNKNOWN, IMAGE_GROUP_UNKNOWN, IMAGE_USER_RANGE
 */
export function resolveUser(
  spec: string,
  passwd: string | undefined,
  group: string | undefined,
): ResolvedUser {
  const colon = spec.indexOf(':');
  const userPart = colon < 0 ? spec : spec.slice(0, colon);
  const groupPart = colon < 0 ? '' : spec.slice(colon + 1);
  const wantedUid = userPart === '' ? 0 : numberOf(userPart);
  const line = findUser(passwd ?? '', userPart, wantedUid);
  const uid = wantedUid ?? line?.uid;
  if (uid === undefined) throw userError('IMAGE_USER_UNKNOWN', { user: userPart });
  const gid = groupPart === '' ? (line?.gid ?? 0) : findGroup(group ?? '', groupPart);
  const others = groupPart === '' && line !== undefined ? groupsListing(group ?? '', line.name) : [];
  return {
    uid,
    gid,
    groups: [...new Set([gid, ...others])],
    home: line?.home ?? '/',
    name: line?.name,
  };
}

interface UserLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findUser(passwd: string, name: string, uid: number | undefined): UserLine | undefined {
  for (const fields of linesOf(passwd)) {
    const [lineName, , uidText, gidText, , home] = fields;
    if (fields.length < 4) continue;
    const lineUid = idOf(uidText!);
    const lineGid = idOf(gidText!);
    if (lineName === '' || lineUid === undefined || lineGid === undefined) continue;
    if (uid === undefined ? lineName !== name : lineUid !== uid) continue;
    return {
      name: lineName!,
      uid: lineUid,
      gid: lineGid,
      home: home === undefined || home === '' ? '/' : home,
    };
  }
  return undefined;
}

function findGroup(group: string, wanted: string): number {
  const number = numberOf(wanted);
  if (number !== undefined) return number;
  for (const [name, , gidText] of linesOf(group)) {
    const gid = idOf(gidText ?? '');
    if (name === wanted && gid !== undefined) return gid;
  }
  throw userError('IMAGE_GROUP_UNKNOWN', { group: wanted });
}

function groupsListing(group: string, user: string): number[] {
  const gids: number[] = [];
  for (const [, , gidText, members] of linesOf(group)) {
    const gid = idOf(gidText ?? '');
    if (gid !== undefined && members?.split(',').some((member) => member.trim() === user)) gids.push(gid);
  }
  return gids;
}

function* linesOf(text: string): Iterable<string[]> {
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) yield trimmed.split(':');
  }
}

/** An id of a line, undefined when it is malformed. */
function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** The number that a person wrote, undefined for a name. @throws IMAGE_USER_RANGE */
function numberOf(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (!(id >= 0 && id <= MAX_ID)) throw userError('IMAGE_USER_RANGE', { id: text });
  return id === 0 ? 0 : id;
}
