import { readOwnNamespace } from './own-namespace.ts';

/** An ordinary user's PATH often lacks the folders where distributions put runtimes. */
const SYSTEM_FOLDERS = ':/usr/local/sbin:/usr/sbin:/sbin';

/** Where programs are looked for, by what PATH says. */
export function searchPathOf(path = '/usr/local/bin:/usr/bin:/bin'): string {
  return readOwnNamespace().isUserNamespace === false ? path : path + SYSTEM_FOLDERS;
}
