import { resolveUser } from '../../image/user.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The texts of /etc/passwd and /etc/group of an image. */
export interface AccountTexts {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

/** True if names have to be looked up in the image. */
export function namesSomebody(chown: string): boolean {
  return chown.split(':').some((part) => part !== '' && !/^\d+$/.test(part));
}

/**
 * The owner that `--chown=user|uid[:group|gid]` means in the image that is copied into. A uid alone is the gid too, a name alone brings its
 * primary group (Dockerfile reference, COPY --chown). @throws IMAGE_USER_UNKNOWN, IMAGE_GROUP_UNKNOWN, IMAGE_USER_RANGE
 */
export function resolveOwner(chown: string, accounts: AccountTexts): Owner {
  const { uid, gid } = resolveUser(chown, accounts.passwd, accounts.group);
  const numberAlone = /^\d+$/.test(chown);
  return { uid, gid: numberAlone ? uid : gid };
}
