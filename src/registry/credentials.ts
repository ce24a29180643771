/**
 * Who proves what to which registry: docker's and podman's files, and the helper programs that they name. This file's family is the only one that holds a
 * credential on its way from disk to a request; nothing of one reaches an error, an event or a log.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import { type CredentialFile, decodeEntry, readCredentialFile } from './credential-files.ts';
import { type CredentialHelper, createCredentialHelper } from './credential-helper.ts';
import { keysFor, writtenKey } from './credential-keys.ts';
import { credentialPlaces, type PersonalFolders } from './credential-places.ts';
import type { Credential, Credentials, FoundCredential } from './types.ts';

/**
 * The person's credentials, from the files in their order: in each file the helper for the host, then the helper for all hosts, then the written entries,
 * the most specific first. Nothing is read before the first call, a file once, and a helper is asked once for a host.
 * @throws CREDENTIALS_FILE from `find` for a file that cannot be read or understood
 */
export function createCredentials(o: PersonalFolders): Credentials {
  let files: readonly CredentialFile[] | undefined;
  const asked = new Map<string, Promise<FoundCredential>>();
  const askOnce = (choice: HelperChoice, call: CallOptions): Promise<FoundCredential> => {
    const key = `${choice.helper.program}\n${choice.server}`;
    const known = asked.get(key);
    if (known !== undefined) return known;
    const answer = ask(choice, o.home, call);
    asked.set(key, answer);
    // Only an interruption rejects: it says nothing about the helper.
    answer.catch(() => asked.delete(key));
    return answer;
  };
  return {
    find: async (registry, repository, call = {}) => {
      files ??= credentialPlaces(o).flatMap((place) => readCredentialFile(place) ?? []);
      const keys = keysFor(registry, repository);
      let failure: Error | undefined;
      for (const file of files) {
        const choice = helperFor(file, keys, o.environment);
        const kept = choice && (await askOnce(choice, call));
        if (kept?.credential !== undefined) return kept;
        failure ??= kept?.failure;
        const written = entryFor(file, keys, o.home);
        if (written !== undefined) return written;
      }
      return { failure };
    },
  };
}

/** A helper, and the server to ask it for. */
export interface HelperChoice {
  readonly helper: CredentialHelper;
  readonly server: string;
  readonly file: string;
}

/** The helper of a file to ask for these keys: its own of the most specific key, else that for all hosts. */
export function helperFor(
  file: CredentialFile,
  keys: readonly string[],
  environment: PersonalFolders['environment'],
): HelperChoice | undefined {
  const choice = (suffix: string, key: string, server: string): HelperChoice => ({
    helper: createCredentialHelper({ suffix, file: file.path, key }, environment),
    server,
    file: file.path,
  });
  const own = keys.find((key) => file.helpers.has(key));
  const helper = file.helpers.get(own ?? '');
  if (own !== undefined && helper !== undefined)
    return choice(helper.suffix, `credHelpers[${JSON.stringify(helper.written)}]`, writtenKey(own));
  return file.store === undefined ? undefined : choice(file.store, 'credsStore', writtenKey(keys.at(-1)!));
}

async function ask(
  { helper, server, file }: HelperChoice,
  home: string,
  call: CallOptions,
): Promise<FoundCredential> {
  try {
    const credential = await helper.get(server, call);
    return { credential, origin: `${helper.program} of ${shortPath(file, home)}` };
  } catch (error) {
    call.signal?.throwIfAborted();
    return { failure: error as Error };
  }
}

function entryFor(file: CredentialFile, keys: readonly string[], home: string): FoundCredential | undefined {
  for (const key of keys) {
    const entry = file.auths.get(key);
    const credential: Credential | undefined = entry && decodeEntry(file, entry);
    if (entry !== undefined && credential !== undefined)
      return { credential, origin: `${JSON.stringify(entry.written)} of ${shortPath(file.path, home)}` };
  }
  return undefined;
}

const shortPath = (path: string, home: string): string =>
  home !== '' && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
