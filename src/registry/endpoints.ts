/**
 * Where a repository is served: its mirrors in the order to try them, then the registry itself.
 * @module
 */
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { endpointError } from './endpoint-errors.ts';
import { hostOfRegistry } from './hosts.ts';
import { readHostsFile } from './hosts-toml.ts';
import type { PrefixRule } from './registries-conf.ts';
import type { RegistryRules } from './registry-rules.ts';
import type { Endpoint, Endpoints } from './types.ts';

/**
 * Endpoints by the machine's rules: podman's mirrors, then containerd's, then (for Docker Hub) Docker's, then the registry or the location that stands for it.
 * @throws REGISTRY_BLOCKED, REGISTRY_SETTINGS_FILE from `find`
 */
export function createEndpoints(rules: RegistryRules): Endpoints {
  return {
    find: async (registry, repository) => {
      const name = `${registry.toLowerCase()}/${repository}`;
      const rule = ruleFor(rules.prefixes, name);
      if (rule?.blocked) throw endpointError('REGISTRY_BLOCKED', { name, file: rule.file });
      const moved = (location: string): Endpoint =>
        placeOf(rule === undefined ? name : rewrite(rule.prefix, location, name));
      const origin = moved(rule?.location ?? '');
      const hosts = await readHostsFile(rules.containerdFolder, registry.toLowerCase());
      const ofDocker = registry === DEFAULT_REGISTRY ? rules.docker.mirrors : [];
      return distinct([
        ...(rule?.mirrors ?? []).map(({ location, only }) => ({ ...moved(location), mirror: true, only })),
        ...hosts.mirrors.map(({ base, only }) => ({
          base,
          repository,
          namespace: registry,
          mirror: true,
          only,
        })),
        ...ofDocker.map((base) => ({ base, repository, mirror: true })),
        rule === undefined && hosts.server !== undefined ? { ...origin, base: hosts.server } : origin,
      ]);
    },
  };
}

/** The rule of the longest prefix that the name begins with. A host that is blocked is so on every port. */
export function ruleFor(rules: readonly PrefixRule[], name: string): PrefixRule | undefined {
  return rules
    .filter(
      ({ prefix, blocked }) => matchedLength(prefix, name) > 0 || (blocked && name.startsWith(`${prefix}:`)),
    )
    .reduce<PrefixRule | undefined>(
      (best, rule) => (best !== undefined && best.prefix.length >= rule.prefix.length ? best : rule),
      undefined,
    );
}

/** How much of the name the prefix covers, in whole parts; 0 for nothing. */
function matchedLength(prefix: string, name: string): number {
  const ends = (at: number): boolean => at === name.length || name[at] === '/';
  if (!prefix.startsWith('*.')) return name.startsWith(prefix) && ends(prefix.length) ? prefix.length : 0;
  const at = name.indexOf(prefix.slice(1));
  const end = at + prefix.length - 1;
  return at > 0 && !name.slice(0, at).includes('/') && (ends(end) || name[end] === ':') ? end : 0;
}

/** The name with `location` for what the prefix covers; as it is without a location (a rule for `*.domain` alone). */
function rewrite(prefix: string, location: string, name: string): string {
  return location === '' ? name : location + name.slice(matchedLength(prefix, name));
}

function placeOf(name: string): Endpoint {
  const slash = name.indexOf('/');
  return {
    base: `https://${hostOfRegistry(name.slice(0, slash))}`,
    repository: name.slice(slash + 1),
    mirror: false,
  };
}

/** Each place once, at its first turn; a mirror that is the registry itself is none. */
function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const key = ({ base, repository }: Endpoint): string => `${base}\n${repository}`;
  const origin = endpoints.at(-1)!;
  const mirrors = new Map<string, Endpoint>();
  for (const endpoint of endpoints.slice(0, -1)) {
    if (key(endpoint) === key(origin) || mirrors.has(key(endpoint))) continue;
    const { only, ...rest } = endpoint;
    mirrors.set(key(endpoint), only === undefined ? rest : endpoint);
  }
  return [...mirrors.values(), origin];
}
