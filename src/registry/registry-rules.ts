/**
 * What this machine's files say about registries: mirrors, other places, blocks, and whom to trust without TLS.
 * Read once for a command, and only when a registry is needed.
 * @module
 */
import { configFolder, type PersonalFolders } from './credential-places.ts';
import { type DockerRules, readDockerRules } from './docker-rules.ts';
import { type PrefixRule, readRegistriesConf } from './registries-conf.ts';

export interface RegistryRules {
  /** From podman's files; at most one for a prefix. */
  readonly prefixes: readonly PrefixRule[];
  readonly docker: DockerRules;
  /** containerd's folder of hosts, looked into for each registry. */
  readonly containerdFolder: string;
}

export interface RuleFolders extends PersonalFolders {
  /** `/etc` when absent; for tests. */
  readonly systemFolder?: string | undefined;
}

/** The rules of podman's and Docker's files. @throws REGISTRY_SETTINGS_FILE */
export async function readRegistryRules(o: RuleFolders): Promise<RegistryRules> {
  const etc = o.systemFolder ?? '/etc';
  const personal = configFolder(o.home, o.environment);
  return {
    prefixes: await readRegistriesConf({
      named: o.environment.CONTAINERS_REGISTRIES_CONF || undefined,
      system: `${etc}/containers`,
      personal: personal.map((folder) => `${folder}/containers`),
    }),
    docker: readDockerRules([`${etc}/docker`, ...personal.map((folder) => `${folder}/docker`)]),
    containerdFolder: `${etc}/containerd/certs.d`,
  };
}
