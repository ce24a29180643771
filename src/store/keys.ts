import { storeError } from './errors.ts';

/** Longest kind, key or id in characters: file systems take 255 bytes, and an ending is added. */
const MAX_KEY_LENGTH = 200;

/** A key as a file name: `:` becomes `+`, which no key has. @throws STORE_BAD_KEY */
export function keyFile(what: string, key: string): string {
  if (!/^[A-Za-z0-9._:-]+$/.test(key) || key.length > MAX_KEY_LENGTH || /^\.+$/.test(key)) {
    throw storeError('STORE_BAD_KEY', { what, key: String(key) });
  }
  return key.replaceAll(':', '+');
}

/** The key of a file name, or undefined if no key has this file. */
export function fileKey(name: string): string | undefined {
  return /^[A-Za-z0-9._+-]+$/.test(name) ? name.replaceAll('+', ':') : undefined;
}
