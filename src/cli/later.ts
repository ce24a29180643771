/** Commands that people will type and that come later; they fail by name. */
export const LATER: readonly string[] = [
  'copy', 'search', 'validate',
  'update', 'container', 'network', 'buildx', 'builder',
  'lint', 'advise', 'flatten', 'slim', 'secrets', 'serve', 'completion',
]; // biome-ignore format: by group
