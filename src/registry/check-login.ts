import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { systemClock } from '../http/clock.ts';
import type { HttpResponse } from '../http/types.ts';
import { parseChallenges } from './challenge.ts';
import { credentialError } from './credential-errors.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import { hostOfRegistry, plainAllowed } from './hosts.ts';
import { probe } from './place.ts';
import { checkRealm, sameHost, sharesDomain } from './realm.ts';
import { readRefusal, statusError } from './refusal.ts';
import { basicHeader, createTokens } from './tokens.ts';
import type { Credential, RegistryOptions } from './types.ts';

/**
 * Returns if the registry takes the credential, by `GET /v2/` (distribution-spec 1.1.1, end-1) and its token server. A registry that asks for none is
 * never shown it. One request without proof comes first, so that the credential goes only where the challenge may lead it.
 * @throws CREDENTIALS_REFUSED, REGISTRY_STATUS, REGISTRY_CHALLENGE, REGISTRY_REALM, REGISTRY_TOKEN, REGISTRY_DENIED for a token server in another domain, and errors of http/
 */
export async function checkLogin(
  o: Pick<RegistryOptions, 'http' | 'insecure' | 'trustedRealms' | 'clock'>,
  registry: string,
  credential: Credential,
  call: CallOptions = {},
): Promise<void> {
  const host = hostOfRegistry(registry);
  const scheme = plainAllowed(host, o.insecure) ? await probe(o.http, host, call) : 'https:';
  const url = `${scheme}//${host}/v2/`;
  const response = await o.http.request({ method: 'GET', url, home: host }, call);
  // Another host that a redirect led to is shown nothing, however it asks.
  const isOwn = new URL(response.url).origin === new URL(url).origin;
  if (response.status !== 401 || !isOwn) return accepted(response, registry, host);
  await response.discard();
  const authorization = await prove(o, registry, host, response, credential, call);
  const answer = await o.http.request(
    { method: 'GET', url, home: host, secretHeaders: { authorization } },
    call,
  );
  if (answer.status !== 401 && answer.status !== 403) return accepted(answer, registry, host);
  throw credentialError('CREDENTIALS_REFUSED', { host, says: (await readRefusal(answer)).says });
}

type Parts = Parameters<typeof checkLogin>[0];

async function accepted(response: HttpResponse, registry: string, host: string): Promise<void> {
  if (response.status >= 200 && response.status < 300) return response.discard();
  const refusal = await readRefusal(response);
  if (refusal.status === 429) throw statusError(refusal, registry, registry, host);
  throw registryError('REGISTRY_STATUS', { name: `${registry}/v2/`, host, ...refusal });
}

/** The `Authorization` that answers the challenge. */
async function prove(
  o: Parts,
  registry: string,
  host: string,
  response: HttpResponse,
  credential: Credential,
  call: CallOptions,
): Promise<string> {
  const challenges = parseChallenges(response.headers('www-authenticate'));
  const bearer = challenges.find(({ scheme, params }) => scheme === 'bearer' && params.has('realm'));
  if (bearer === undefined) {
    const basic = basicHeader(credential);
    if (basic !== undefined && challenges.some(({ scheme }) => scheme === 'basic')) return basic;
    const schemes = challenges.map(({ scheme }) => foreignText(scheme, 30)).slice(0, 5);
    throw registryError('REGISTRY_CHALLENGE', { host, schemes });
  }
  const realm = checkRealm(bearer.params.get('realm')!, host, plainAllowed(host, o.insecure));
  if (!sharesDomain(realm.host, host) && !o.trustedRealms?.some((trusted) => sameHost(trusted, realm.host)))
    throw registryError('REGISTRY_DENIED', {
      name: registry,
      registry,
      anonymous: true,
      foreignRealm: realm.host,
    });
  const ask = { home: host, realm, service: bearer.params.get('service'), scopes: [], credential };
  try {
    return `Bearer ${await createTokens(o.http, o.clock ?? systemClock).get(ask, call)}`;
  } catch (error) {
    const { status, says } = isDobosError(error, 'REGISTRY_TOKEN')
      ? (error.facts as { status: number; says?: string })
      : {};
    if (status !== 401 && status !== 403) throw error;
    throw credentialError('CREDENTIALS_REFUSED', { host: realm.host, says }, { cause: error });
  }
}
