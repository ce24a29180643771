import type { DobosError } from '../base/errors.ts';
import type { HttpResponse } from '../http/types.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';

/** Bytes of an error's body that are read. */
const MAX_BODY_BYTES = 64 * 1024;
/** Errors of one body that are shown. */
const MAX_SHOWN = 2;

/** Why a registry refuses, in its own words (distribution-spec 1.1.1, error codes). */
export interface Refusal {
  readonly status: number;
  readonly codes: readonly string[];
  /** `MANIFEST_UNKNOWN: manifest unknown`, fit for a message; undefined if it says nothing. */
  readonly says: string | undefined;
}

/** What the registry says, from a body that is read up to a bound; never throws for what is in it. */
export async function readRefusal(response: HttpResponse): Promise<Refusal> {
  let text = '';
  try {
    text = (await response.bytes(MAX_BODY_BYTES)).toString();
  } catch {
    await response.discard().catch(() => undefined);
  }
  const errors = errorsIn(text).slice(0, MAX_SHOWN);
  const says = errors
    .map(({ code, message }) => [code, message].filter((part) => part !== '').join(': '))
    .filter((part) => part !== '')
    .join('; ');
  return {
    status: response.status,
    codes: errors.map(({ code }) => code),
    says: says === '' ? undefined : says,
  };
}

/** An answer that nothing special is known about, as an error. */
export function statusError(refusal: Refusal, name: string, registry: string, host: string): DobosError {
  const { status, codes, says } = refusal;
  if (status === 429 || codes.includes('TOOMANYREQUESTS')) {
    const hub = registry === DEFAULT_REGISTRY;
    return registryError('REGISTRY_RATE_LIMIT', { name, host, hub, says });
  }
  if (status === 404) return registryError('REGISTRY_NOT_FOUND', { name, host, says });
  return registryError('REGISTRY_STATUS', { name, host, status, says, codes });
}

/** A quota, in the words of harbor, quay, GitLab and the cloud's registries. */
const QUOTA = /quota|storage limit|exceed(?:s|ed)? the configured|insufficient storage|limit exceeded/i;

/** Why something was not written, as an error; undefined if it is a matter of who asks. */
export function writeError(
  refusal: Refusal,
  name: string,
  registry: string,
  host: string,
): DobosError | undefined {
  const { status, codes, says } = refusal;
  const isQuota = status === 507 || QUOTA.test(says ?? '');
  if (!isQuota && (status === 401 || status === 403)) return undefined;
  if (status === 429 || codes.includes('TOOMANYREQUESTS') || (status >= 500 && status !== 507))
    return statusError(refusal, name, registry, host);
  return registryError('REGISTRY_REFUSED', { name, host, status, codes, says, quota: isQuota });
}

function errorsIn(text: string): { readonly code: string; readonly message: string }[] {
  try {
    const { errors, details } = JSON.parse(text) as { errors?: unknown; details?: unknown };
    // Docker Hub's token server has `details` alone.
    if (typeof details === 'string') return [{ code: '', message: foreignText(details) }];
    return (Array.isArray(errors) ? errors : []).map((error: unknown) => {
      const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
      return {
        code: typeof code === 'string' ? foreignText(code, 60) : '',
        message: typeof message === 'string' ? foreignText(message) : '',
      };
    });
  } catch {
    return [];
  }
}
