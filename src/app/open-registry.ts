import { createHttp } from '../http/http.ts';
import type { Http, HttpEvent } from '../http/types.ts';
import { createCredentials } from '../registry/credentials.ts';
import { createEndpoints } from '../registry/endpoints.ts';
import { createInsecureHosts } from '../registry/insecure-hosts.ts';
import { createRegistry } from '../registry/registry.ts';
import { readRegistryRules } from '../registry/registry-rules.ts';
import { createTlsFolders } from '../registry/tls-folders.ts';
import type { Registry, RegistryEvent, RegistryOptions } from '../registry/types.ts';
import type { Settings } from './settings.ts';

/** What is worth a line while a registry is read: a try that is made again, a warning of the server's, a mirror that failed. */
export type RegistryNotice = HttpEvent | RegistryEvent;

export interface RegistryRequest {
  /** Every host may be talked to plainly and without a checked certificate. */
  readonly insecure?: boolean | undefined;
  readonly onEvent?: ((notice: RegistryNotice) => void) | undefined;
}

export interface OpenRegistry {
  readonly registry: Registry;
  close(): Promise<void>;
}

/** Registries as this machine's files and the settings describe them. @throws REGISTRY_SETTINGS_FILE */
export async function openRegistry(
  settings: Settings,
  version: string,
  o: RegistryRequest,
): Promise<OpenRegistry> {
  const parts = await openConnections(settings, version, o);
  return { registry: createRegistry(parts), close: () => parts.http.close() };
}

/** What a registry is made of; the connections must be closed. Credentials are read when they are asked for. @throws REGISTRY_SETTINGS_FILE */
export async function openConnections(
  settings: Settings,
  version: string,
  o: RegistryRequest,
): Promise<RegistryOptions & { readonly http: Http }> {
  const { trustedHosts, insecureRegistries, proxies } = settings;
  const rules = await readRegistryRules(settings);
  const insecure = o.insecure === true ? () => true : createInsecureHosts(rules, insecureRegistries);
  const http = createHttp({
    userAgent: `dobos/${version}`,
    insecure,
    tls: createTlsFolders(settings),
    trustedHosts,
    proxies,
    onEvent: o.onEvent,
  });
  return {
    http,
    credentials: createCredentials(settings),
    endpoints: createEndpoints(rules),
    insecure,
    trustedRealms: trustedHosts,
    onEvent: o.onEvent,
  };
}
