import { type DobosError, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Http, HttpRequest, HttpResponse } from '../http/types.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import { plainAllowed } from './hosts.ts';
import { checkRealm, sameHost, sharesDomain } from './realm.ts';
import { type Refusal, readRefusal, statusError, writeError } from './refusal.ts';
import { allowedScopes, joinScopes, pullScope, pushScope } from './scope.ts';
import { basicHeader, type TokenAsk, type Tokens } from './tokens.ts';
import type { Credential, Credentials, FoundCredential } from './types.ts';

/** Requests made at most for one: without proof, with it, and with more rights or a younger token. */
const MAX_ROUNDS = 3;

/** What one repository at one host is asked with. */
export interface GuardOptions {
  readonly http: Http;
  readonly tokens: Tokens;
  readonly credentials: Credentials;
  readonly insecure?: ((host: string) => boolean) | undefined;
  readonly trustedRealms?: readonly string[] | undefined;
  /** Whose credentials are looked up: the registry as people name it, or a mirror's own host. */
  readonly registry: string;
  /** The host that is asked, with port. */
  readonly host: string;
  readonly repository: string;
  /** Whether something is to be written, for which other rights are asked for. */
  readonly writes?: boolean | undefined;
}

/** Proves who asks, as far as the registry wants to know and something is known. */
export interface Guard {
  /** The answer; 401 only if nothing more can be shown. A body is sent again with each proof. @throws REGISTRY_REALM, REGISTRY_TOKEN, REGISTRY_CHALLENGE, REGISTRY_DENIED, REGISTRY_LOGIN, and errors of http/ */
  send(request: Omit<HttpRequest, 'secretHeaders' | 'home'>, o?: CallOptions): Promise<HttpResponse>;
  /** A refused answer as an error that says what was shown. Reads its body. */
  refused(response: HttpResponse, name: string): Promise<DobosError>;
  /** The same for what was to be written. */
  refusedWrite(response: HttpResponse, name: string): Promise<DobosError>;
}

/** What is sent in `Authorization`, and where it came from. */
type Proof =
  | { readonly kind: 'header'; readonly header: string }
  | { readonly kind: 'token'; readonly header: string; readonly token: string; readonly ask: TokenAsk };

/**
 * The guard of one repository at one host. It asks without proof first, then follows the challenge; what worked is sent at once from then on.
 * Credentials go to the host itself and to token servers of its domain (`sharesDomain`), to those that the user trusts or has a login for; any other is
 * asked without: see `foreignRealm` in REGISTRY_DENIED. A login at a token server's own host is never used for another registry: who gets such a token could
 * read in the user's name elsewhere.
 */
export function createGuard(o: GuardOptions): Guard {
  const { http, tokens, host, repository } = o;
  const own = o.writes === true ? pushScope(repository) : pullScope(repository);
  let finding: Promise<FoundCredential> | undefined;
  let known: Proof | undefined;
  let foreignRealm: string | undefined;
  let showed: 'password' | 'token' | undefined;

  const find = (call: CallOptions): Promise<FoundCredential> => {
    finding ??= o.credentials.find(o.registry, repository, call).catch((error: unknown) => {
      finding = undefined;
      throw error;
    });
    return finding;
  };

  /** What to send at once: nothing the first time, then what worked, with a token that is young enough. */
  const atHand = async (call: CallOptions): Promise<Proof | undefined> =>
    known?.kind === 'token' ? withToken(known.ask, call) : known;

  const withToken = async (ask: TokenAsk, call: CallOptions): Promise<Proof> => {
    try {
      const token = await tokens.get(ask, call);
      return { kind: 'token', header: `Bearer ${token}`, token, ask };
    } catch (error) {
      if (!isDobosError(error, 'REGISTRY_TOKEN')) throw error;
      const { status, realm, says } = error.facts as { status: number; realm: string; says?: string };
      if (status !== 401 && status !== 403) throw error;
      throw ask.credential === undefined ? await denied(says, error) : await wrongLogin(realm, says);
    }
  };

  const denied = async (says: string | undefined, cause?: unknown): Promise<DobosError> => {
    const { failure, origin } = await find({});
    const anonymous = showed === undefined;
    const name = `${o.registry}/${repository}`;
    const credentials = anonymous ? failure?.message : origin;
    const facts = {
      name,
      registry: o.registry,
      anonymous,
      says,
      credentials,
      foreignRealm,
      writes: o.writes,
    };
    return registryError('REGISTRY_DENIED', facts, { cause: failure ?? cause });
  };

  const wrongLogin = async (refuser: string, says: string | undefined): Promise<DobosError> => {
    const { origin } = await find({});
    return registryError('REGISTRY_LOGIN', {
      registry: o.registry,
      host: refuser,
      credentials: origin,
      says,
    });
  };

  const prove = async (
    challenges: readonly Challenge[],
    sent: Proof | undefined,
    call: CallOptions,
  ): Promise<Proof | undefined> => {
    const bearer = challenges.find(({ scheme, params }) => scheme === 'bearer' && params.has('realm'));
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    if (bearer === undefined && !basic) {
      const schemes = challenges.map(({ scheme }) => foreignText(scheme, 30));
      throw registryError('REGISTRY_CHALLENGE', { host, schemes: schemes.slice(0, 5) });
    }
    const { credential } = await find(call);
    if (bearer === undefined) {
      const header = credential?.kind === 'basic' ? basicHeader(credential) : undefined;
      return header === undefined ? undefined : { kind: 'header', header };
    }
    if (credential?.kind === 'bearer') return { kind: 'header', header: `Bearer ${credential.token}` };
    const ask = await askFor(bearer, credential, sent, call);
    return ask === undefined ? undefined : withToken(ask, call);
  };

  const askFor = async (
    { params }: Challenge,
    credential: Credential | undefined,
    sent: Proof | undefined,
    call: CallOptions,
  ): Promise<TokenAsk | undefined> => {
    const realm = checkRealm(params.get('realm')!, host, plainAllowed(host, o.insecure));
    const service = params.get('service');
    let scopes = allowedScopes(params.get('scope'), own);
    if (sent?.kind === 'token') {
      tokens.drop(sent.ask, sent.token);
      if (params.get('error') === 'insufficient_scope') {
        const before = sent.ask.scopes;
        scopes = joinScopes(before, scopes);
        // The token was made for this very scope: the user has no more rights than it gives.
        if (scopes.length === before.length) return undefined;
      }
    }
    const mayKnow = credential === undefined || (await mayShow(realm.host, call));
    foreignRealm = mayKnow ? undefined : realm.host;
    return { home: host, realm, service, scopes, credential: mayKnow ? credential : undefined };
  };

  const mayShow = async (realmHost: string, call: CallOptions): Promise<boolean> => {
    if (sharesDomain(realmHost, host)) return true;
    if (o.trustedRealms?.some((trusted) => sameHost(trusted, realmHost)) === true) return true;
    // A login for that host says that the user knows it. What is shown is still the registry's own.
    return (await o.credentials.find(realmHost, '', call)).credential !== undefined;
  };

  const show = (proof: Proof | undefined): Readonly<Record<string, string>> | undefined => {
    if (proof === undefined) return undefined;
    if (proof.kind === 'header') showed = 'password';
    else if (proof.ask.credential !== undefined) showed = 'token';
    return { authorization: proof.header };
  };

  const deniedOrWrong = ({ status, says }: Refusal): Promise<DobosError> =>
    status === 401 && known === undefined && showed === 'password' ? wrongLogin(host, says) : denied(says);

  return {
    async send(request, call = {}) {
      let proof = await atHand(call);
      for (let round = 1; ; round++) {
        const response = await http.request({ ...request, home: host, secretHeaders: show(proof) }, call);
        if (response.status !== 401) {
          if (proof !== undefined && response.status < 400) known = proof;
          return response;
        }
        // Another host that a redirect led to does not get a proof, however it asks.
        if (round === MAX_ROUNDS || !sameOrigin(response.url, request.url)) return response;
        const challenges = parseChallenges(response.headers('www-authenticate'));
        const next = await prove(challenges, proof, call).catch(async (error: unknown) => {
          await response.discard();
          throw error;
        });
        if (next === undefined || next.header === proof?.header) return response;
        await response.discard();
        proof = next;
      }
    },
    async refused(response, name) {
      const refusal = await readRefusal(response);
      const { status } = refusal;
      if (status !== 401 && status !== 403) return statusError(refusal, name, o.registry, host);
      return deniedOrWrong(refusal);
    },
    async refusedWrite(response, name) {
      const refusal = await readRefusal(response);
      return writeError(refusal, name, o.registry, host) ?? deniedOrWrong(refusal);
    },
  };
}

function sameOrigin(a: string, b: string): boolean {
  return new URL(a).origin === new URL(b).origin;
}
