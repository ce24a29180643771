import { readBoundedFile } from './bounded-file.ts';
import { credentialError } from './credential-errors.ts';
import { plainKey, writtenKey } from './credential-keys.ts';
import type { CredentialPlace } from './credential-places.ts';
import { jsonMistake } from './edit-json.ts';
import type { Credential } from './types.ts';

/** A file of credentials takes a few KiB; Docker's also holds settings of its own. */
const MAX_FILE_BYTES = 1024 * 1024;

/** One credentials file, read but not decoded. Keys as `plainKey` makes them, each with its spelling in the file. */
export interface CredentialFile {
  readonly path: string;
  readonly text: string;
  readonly auths: ReadonlyMap<string, FileEntry>;
  /** Suffixes of helper programs by key. */
  readonly helpers: ReadonlyMap<string, { readonly written: string; readonly suffix: string }>;
  /** The suffix of the helper for every host that `helpers` does not name. */
  readonly store?: string | undefined;
}

interface FileEntry {
  readonly written: string;
  readonly fields: JsonObject;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The file of a place; undefined when there is none. @throws CREDENTIALS_FILE, never with a word of its content */
export function readCredentialFile(place: CredentialPlace): CredentialFile | undefined {
  const { path: file } = place;
  const text = readBoundedFile(file, MAX_FILE_BYTES, (why) =>
    credentialError('CREDENTIALS_FILE', { file, why }),
  );
  return text === undefined ? undefined : parseCredentialFile(place, text);
}

/** What the text of a place's file says. @throws CREDENTIALS_FILE, never with a word of the text */
export function parseCredentialFile({ path, format }: CredentialPlace, text: string): CredentialFile {
  // Docker takes an empty file for one without settings.
  const root = text.trim() === '' ? {} : parse(path, text);
  if (format === 'dockercfg') return { path, text, auths: authsOf(root), helpers: new Map() };
  const part = (name: string): JsonObject => asObject(path, name, root[name]);
  const helpers = Object.entries(part('credHelpers')).flatMap(([written, suffix]) =>
    typeof suffix === 'string' && suffix !== '' ? [[plainKey(written), { written, suffix }] as const] : [],
  );
  const { credsStore } = root;
  return {
    path,
    text,
    auths: authsOf(part('auths')),
    helpers: new Map(helpers),
    ...(typeof credsStore === 'string' && credsStore !== '' && { store: credsStore }),
  };
}

/** The credential of an entry; undefined for an empty one, as stands beside a helper. @throws CREDENTIALS_FILE */
export function decodeEntry(file: CredentialFile, entry: FileEntry): Credential | undefined {
  const text = (name: string): string | undefined => {
    const value = entry.fields[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const token = text('registrytoken');
  if (token !== undefined) return { kind: 'bearer', token };
  const identity = text('identitytoken');
  if (identity !== undefined) return { kind: 'identity', token: identity };
  const auth = text('auth');
  if (auth !== undefined) return decodeAuth(file, entry, auth);
  const [username, password] = [text('username'), text('password')];
  return username === undefined || password === undefined ? undefined : { kind: 'basic', username, password };
}

/** `auth` is the base64 of `user:password`; only the first colon divides them. */
function decodeAuth(file: CredentialFile, entry: FileEntry, auth: string): Credential {
  const bad = (why: string): Error =>
    credentialError('CREDENTIALS_FILE', {
      file: file.path,
      why: `"auth" of ${JSON.stringify(entry.written)} ${why}`,
    });
  const compact = auth.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) throw bad('is not base64');
  let plain: string;
  try {
    plain = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(compact, 'base64'));
  } catch {
    throw bad('is not the base64 of a text');
  }
  const colon = plain.indexOf(':');
  if (colon <= 0) throw bad('is not the base64 of user:password');
  // Some writers pad the password with NULs.
  return {
    kind: 'basic',
    username: plain.slice(0, colon),
    password: plain.slice(colon + 1).replace(/\0+$/, ''),
  };
}

function parse(file: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What JSON.parse says quotes the text, which holds passwords.
    throw credentialError('CREDENTIALS_FILE', { file, why: 'it is not JSON', line: jsonMistake(text) });
  }
  return asObject(file, '', value ?? []);
}

function asObject(file: string, name: string, value: unknown): JsonObject {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  throw credentialError('CREDENTIALS_FILE', {
    file,
    why: `${name === '' ? 'it' : `"${name}"`} is not a JSON object`,
  });
}

/** Entries by their plain key. Where two spellings name one host, that which Docker writes counts, then the first. */
function authsOf(entries: JsonObject): ReadonlyMap<string, FileEntry> {
  const found = new Map<string, FileEntry>();
  for (const [written, fields] of Object.entries(entries)) {
    if (typeof fields !== 'object' || fields === null) continue;
    const key = plainKey(written);
    if (found.has(key) && written !== writtenKey(key)) continue;
    found.set(key, { written, fields: fields as JsonObject });
  }
  return found;
}
