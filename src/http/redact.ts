const MAX_SHOWN = 300;

/** The URL as it may be printed: no user or password, no values in the query (signed URLs are secrets), no control characters, at most 300 characters. */
export function redactUrl(url: string | URL): string {
  const parsed = typeof url === 'string' ? parse(url) : url;
  if (parsed === undefined)
    return cut(
      String(url)
        .replace(/\/\/[^/]*@/, '//')
        .replace(/[?#].*$/s, '?…'),
    );
  const names = [...parsed.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=…`);
  const query = names.length === 0 ? '' : `?${names.join('&')}`;
  return cut(`${parsed.protocol}//${parsed.host}${parsed.pathname}${query}`);
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function cut(text: string): string {
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean;
}
