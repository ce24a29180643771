import { describe, expect, it } from 'vitest';
import { networkError } from '../../test/support/http-doubles.ts';
import { isDobosError } from '../base/errors.ts';
import { requestFailure } from './failures.ts';

const named = (error: unknown, proxy?: string) => {
  const failure = requestFailure(error, 'r.example:5000', proxy);
  if (!isDobosError(failure)) throw failure;
  return failure;
};

describe('a failed exchange', () => {
  it.each([
    ['ENOTFOUND', 'not-found', 'is the name spelled right?'],
    ['EAI_AGAIN', 'dns', 'HTTPS_PROXY'],
    ['ECONNREFUSED', 'refused', 'does it run'],
    ['ECONNRESET', 'reset', undefined],
    ['EPIPE', 'reset', undefined],
    ['EHOSTUNREACH', 'no-route', 'HTTPS_PROXY'],
    ['ENETUNREACH', 'no-route', 'HTTPS_PROXY'],
  ])('%s is %s', (code, why, hint) => {
    const failure = named(networkError(code));
    expect(failure).toMatchObject({ code: 'HTTP_UNREACHABLE', facts: { why, host: 'r.example:5000' } });
    expect(failure.message).toMatch(/^r\.example:5000 cannot be reached: [a-z ]+$/);
    if (hint === undefined) expect(failure.hint).toBeUndefined();
    else expect(failure.hint).toContain(hint);
  });

  it('by a proxy names the proxy without its password', () => {
    const failure = named(networkError('ECONNREFUSED'), 'http://u:hunter2@proxy:3128/');
    expect(failure.message).toBe(
      'r.example:5000 cannot be reached by the proxy proxy:3128: connection refused',
    );
    expect(failure.hint).toContain('HTTPS_PROXY');
  });

  it.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client-certificate'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'client-certificate'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'handshake'],
    ['EPROTO', 'handshake'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown-issuer'],
    ['CERT_REVOKED', 'revoked'],
  ])('of TLS with %s is %s', (code, trouble) => {
    expect(named(networkError(code))).toMatchObject({ code: 'HTTP_TLS', facts: { trouble } });
  });

  it('names the hosts of a foreign certificate without control characters', () => {
    const error = Object.assign(networkError('ERR_TLS_CERT_ALTNAME_INVALID'), {
      cert: { subjectaltname: `DNS:a.example\u001b[31m${'x'.repeat(500)}` },
    });
    expect(named(error).message).toContain('DNS:a.example?[31mxxx');
    expect(named(error).message.length).toBeLessThan(300);
  });

  it('that is a mistake of ours stays what it is', () => {
    const bug = new TypeError('bug');
    expect(requestFailure(bug, 'r', undefined)).toBe(bug);
  });
});
