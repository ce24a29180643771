import type { ByteStream } from '../base/bytes.ts';
import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { type RemoteSecrets, urlAuthorization } from '../build/remote/remote-auth.ts';
import { redactUrl } from '../http/redact.ts';
import type { App } from './app.ts';

type DownloadErrors = { BUILD_CONTEXT_DOWNLOAD: { url: string; status: number } };
const downloadError = errorMaker<DownloadErrors>({
  BUILD_CONTEXT_DOWNLOAD: ({ url, status }) => ({
    message: `the build context ${url} cannot be had: the server answers ${status}`,
    hint:
      status === 401 || status === 403
        ? `--secret id=HTTP_AUTH_TOKEN_${new URL(url).host},env=VARIABLE gives it a token`
        : 'the URL of a tar of the context, or of a Dockerfile, is wanted',
  }),
});

/** What a URL gives; close the connections when it is read. @throws BUILD_CONTEXT_DOWNLOAD, HTTP_ errors */
export async function downloadContext(
  app: App,
  url: string,
  o: CallOptions & { readonly secrets?: RemoteSecrets | undefined },
): Promise<{ readonly bytes: ByteStream; close(): Promise<void> }> {
  const authorization = urlAuthorization(url, o.secrets);
  const secretHeaders = authorization === undefined ? undefined : { authorization };
  const { createHttp } = await import('../http/http.ts');
  const { trustedHosts, proxies } = app.settings;
  const { protocol, host } = new URL(url);
  const http = createHttp({
    userAgent: `dobos/${app.version}`,
    trustedHosts,
    proxies,
    // Whoever writes http:// means it.
    insecure: (other) => protocol === 'http:' && other === host,
  });
  try {
    const response = await http.request({ method: 'GET', url, secretHeaders }, o);
    if (response.status !== 200) {
      await response.discard();
      throw downloadError('BUILD_CONTEXT_DOWNLOAD', { url: redactUrl(url), status: response.status });
    }
    return { bytes: response.body, close: () => http.close() };
  } catch (error) {
    await http.close();
    throw error;
  }
}
