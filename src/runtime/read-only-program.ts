import { bindMount } from '../linux/mount.ts';

/** By this crun and runc know that they have seen to it already; it is believed where the file system is for reading only (their cloned_binary.c). */
const SEEN_TO = { _LIBCONTAINER_CLONED_BINARY: '1' } as const;

/**
 * Shows a runtime's file for reading only, in the mount namespace of this process, so that no container can overwrite it through /proc (CVE-2019-5736). That is what crun does for itself at each
 * start, and begins once more then: 2 ms. What it is to be told in its environment; nothing where it cannot be, and crun does it.
 */
export function showReadOnly(program: string): Readonly<Record<string, string>> {
  try {
    bindMount(program, program, { readOnly: true });
    return SEEN_TO;
  } catch {
    return {};
  }
}
