import type { CallOptions } from '../base/options.ts';
import { checkLogin } from '../registry/check-login.ts';
import { credentialError } from '../registry/credential-errors.ts';
import { plainKey, writtenKey } from '../registry/credential-keys.ts';
import { createCredentials } from '../registry/credentials.ts';
import { eraseCredential, type StoredCredential, storeCredential } from '../registry/store-credential.ts';
import type { Credential } from '../registry/types.ts';
import type { App } from './app.ts';
import { openConnections, type RegistryRequest } from './open-registry.ts';

/** What a person logs in to: a registry, or a part of one (`quay.io/team`). */
export interface LoginServer {
  /** `docker.io`, `registry.example:5000`. */
  readonly registry: string;
  /** As credentials files name it, without Docker's spelling of Docker Hub. */
  readonly key: string;
  /** As Docker prints and writes it. */
  readonly shown: string;
}

const SERVER =
  /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

/** The server that was typed, in any of the spellings that Docker takes; Docker Hub without one. @throws CREDENTIALS_SERVER */
export function loginServer(typed = 'docker.io'): LoginServer {
  const key = plainKey(typed.trim());
  if (!SERVER.test(key))
    throw credentialError('CREDENTIALS_SERVER', { server: typed.replace(/\/\/[^/]*@/, '//***@') });
  return { registry: key.split('/', 1)[0]!, key, shown: writtenKey(key) };
}

/** The credential that would be used today, if it can be shown to the registry again. @throws CREDENTIALS_FILE */
export async function knownLogin(
  app: App,
  server: LoginServer,
  o: CallOptions = {},
): Promise<Credential | undefined> {
  const path = server.key.slice(server.registry.length + 1);
  return (await createCredentials(app.settings).find(server.registry, path, o)).credential;
}

/**
 * Shows the credential to the registry. Nothing is kept.
 * @throws CREDENTIALS_REFUSED, and errors of the registry
 */
export async function checkServerLogin(
  app: App,
  server: LoginServer,
  credential: Credential,
  o: CallOptions & RegistryRequest = {},
): Promise<void> {
  const connections = await openConnections(app.settings, app.version, o);
  try {
    await checkLogin(connections, server.registry, credential, o);
  } finally {
    await connections.http.close();
  }
}

/** Keeps a credential that the registry took. @throws CREDENTIALS_FILE, CREDENTIALS_FILE_UNWRITABLE, CREDENTIALS_NO_PLACE, CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING */
export function keepLogin(
  app: App,
  server: LoginServer,
  credential: Credential,
  o: CallOptions = {},
): Promise<StoredCredential> {
  return storeCredential(app.settings, server.key, credential, o);
}

/** Forgets what is known for a server; false when that was nothing. */
export function logout(app: App, server: LoginServer, o: CallOptions = {}): Promise<boolean> {
  return eraseCredential(app.settings, server.key, o);
}
