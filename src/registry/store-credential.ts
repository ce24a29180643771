import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { credentialError } from './credential-errors.ts';
import { type CredentialFile, parseCredentialFile, readCredentialFile } from './credential-files.ts';
import { writtenKey } from './credential-keys.ts';
import { type CredentialPlace, credentialPlaces, type PersonalFolders } from './credential-places.ts';
import { helperFor } from './credentials.ts';
import { editJson } from './edit-json.ts';
import type { Credential } from './types.ts';
import { writePrivateFile } from './write-private-file.ts';

/** Where a credential was put: a file, as it is, or the helper that the file names. */
export interface StoredCredential {
  readonly file: string;
  readonly helper?: string | undefined;
}

/** Fields of an entry that prove who asks. */
const SECRETS: readonly string[] = ['auth', 'username', 'password', 'identitytoken', 'registrytoken'];

/**
 * Keeps the credential for a key (`plainKey`): in the first file that has an entry or a helper for it, so that it is found from now on, else in Docker's.
 * The rest of the file stays as it is, byte for byte.
 * @throws CREDENTIALS_FILE, CREDENTIALS_FILE_UNWRITABLE, CREDENTIALS_NO_PLACE, CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING
 */
export async function storeCredential(
  folders: PersonalFolders,
  key: string,
  credential: Credential,
  o: CallOptions = {},
): Promise<StoredCredential> {
  for (const place of credentialPlaces(folders)) {
    const file = readCredentialFile(place) ?? parseCredentialFile(place, '');
    // Helpers know hosts, not paths below them.
    const choice = key.includes('/') ? undefined : helperFor(file, [key], folders.environment);
    if (choice === undefined && !file.auths.has(key) && !place.forLogin) continue;
    await choice?.helper.store(choice.server, credential, o);
    // An entry without a secret says, as Docker has it, that the helper knows this host.
    setEntry(place, file, key, choice === undefined ? entryOf(credential) : {});
    return { file: place.path, helper: choice?.helper.program };
  }
  throw credentialError('CREDENTIALS_NO_PLACE', {});
}

/**
 * Forgets what all files and their helpers know for a key; false when that was nothing. Entries for paths below a host stay.
 * @throws CREDENTIALS_FILE, CREDENTIALS_FILE_UNWRITABLE, CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING: after all other places are done
 */
export async function eraseCredential(
  folders: PersonalFolders,
  key: string,
  o: CallOptions = {},
): Promise<boolean> {
  let erased = false;
  const failures: unknown[] = [];
  for (const place of credentialPlaces(folders)) {
    try {
      const file = readCredentialFile(place);
      if (file === undefined) continue;
      if (removeEntries(place, file, key)) erased = true;
      const choice = key.includes('/') ? undefined : helperFor(file, [key], folders.environment);
      if (choice !== undefined && (await choice.helper.erase(choice.server, o))) erased = true;
    } catch (error) {
      o.signal?.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return erased;
}

function entryOf(credential: Credential): Readonly<Record<string, string>> {
  switch (credential.kind) {
    case 'basic':
      return { auth: Buffer.from(`${credential.username}:${credential.password}`).toString('base64') };
    case 'identity':
      return { identitytoken: credential.token };
    case 'bearer':
      return { registrytoken: credential.token };
  }
}

function setEntry(
  place: CredentialPlace,
  file: CredentialFile,
  key: string,
  secrets: Readonly<Record<string, string>>,
): void {
  const path = pathOf(place, file.auths.get(key)?.written ?? writtenKey(key));
  let text = file.text.trim() === '' ? '{}\n' : file.text;
  if (!file.auths.has(key)) text = editJson(text, path, {});
  for (const name of SECRETS) text = editJson(text, [...path, name], secrets[name]);
  write(place, text, file.text);
}

function removeEntries(place: CredentialPlace, file: CredentialFile, key: string): boolean {
  let now = file;
  // One host may have several spellings.
  for (let entry = now.auths.get(key); entry !== undefined; entry = now.auths.get(key))
    now = parseCredentialFile(place, editJson(now.text, pathOf(place, entry.written), undefined));
  write(place, now.text, file.text);
  return now !== file;
}

const pathOf = ({ format }: CredentialPlace, written: string): readonly string[] =>
  format === 'dockercfg' ? [written] : ['auths', written];

function write({ path }: CredentialPlace, text: string, before: string): void {
  if (text === before) return;
  try {
    writePrivateFile(path, text);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw credentialError('CREDENTIALS_FILE_UNWRITABLE', { file: path, code }, { cause: error });
  }
}
