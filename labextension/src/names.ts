/**
 * The rules for names, as in modelyard.core.names: the form says at once what the server would refuse.
 */

export function modelNameProblem(text: string): string {
  if (!text) {
    return 'Give the model a name, such as “delay”.';
  }
  if (!/^[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,62}$/.test(text)) {
    return 'A model name has 1 to 63 lower-case letters, digits and single hyphens, with a letter or digit at each end.';
  }
  return '';
}

export function labelProblem(text: string): string {
  if (!text) {
    return 'Give the version a label, such as “first-try”.';
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$/.test(text)) {
    return 'A label has 1 to 128 letters, digits, “.”, “_”, “-” and “+”, and begins with a letter, a digit or “_”.';
  }
  return /^[0-9]+$/.test(text) ? 'A plain number already names a version; put a letter in the label.' : '';
}

export function parameterNameProblem(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text)
    ? ''
    : `“${text}” can’t name a parameter: use letters, digits and “_”, beginning with a letter or “_”.`;
}
