/** What the comments right above a definition say of that name (`# name what it is for`); a line with a lone `#` cuts off what stands above it. */
export function descriptionOf(comments: readonly string[], name: string): string | undefined {
  if (name === '') return undefined;
  const near = comments.slice(comments.lastIndexOf('') + 1);
  return near.find((comment) => comment.startsWith(`${name} `))?.slice(name.length + 1);
}
