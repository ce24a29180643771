import { systemClock } from '../http/clock.ts';
import type { Http } from '../http/types.ts';
import { parseReference } from '../oci/reference.ts';
import type { Digest } from '../oci/types.ts';
import { createRepository } from './repository.ts';
import { createTokens } from './tokens.ts';
import type { Registry, RegistryOptions, Repository, Traffic } from './types.ts';
import { createWritable } from './writable.ts';

/** The registries that can be reached. Asks nothing by itself; tokens and connections are shared by all repositories, and `o.http` is closed by who made it. */
export function createRegistry(o: RegistryOptions): Registry & { traffic(): Traffic } {
  const clock = o.clock ?? systemClock;
  const repositories = new Map<string, Repository>();
  const resumed: Digest[] = [];
  let requests = 0;
  let bodyBytes = 0;
  const http: Http = {
    ...o.http,
    request(request, call) {
      requests++;
      return o.http.request(request, call);
    },
  };
  const parts = {
    ...o,
    http,
    clock,
    tokens: createTokens(http, clock),
    schemes: new Map<string, Promise<string>>(),
    onBytes: (size: number) => {
      bodyBytes += size;
    },
    onEvent: (event: Parameters<NonNullable<RegistryOptions['onEvent']>>[0]) => {
      if (event.kind === 'resumed') resumed.push(event.digest);
      o.onEvent?.(event);
    },
  };
  return {
    repository(registry, repository) {
      parseReference(`${registry}/${repository}`);
      const name = `${registry}/${repository}`;
      const made = repositories.get(name) ?? createRepository(parts, registry, repository);
      repositories.set(name, made);
      return made;
    },
    writable(registry, repository, options) {
      parseReference(`${registry}/${repository}`);
      return createWritable(parts, registry, repository, options);
    },
    traffic: () => ({ requests, bodyBytes, resumed: [...resumed] }),
  };
}
