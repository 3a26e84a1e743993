/** Between declared parameters and the rows of the editable table. */
import { Draft } from './components/ParameterTable';
import { parameterNameProblem } from './names';
import { Parameter } from './types';
import { BadValue, checkValue, parseValue, showValue } from './values';

export function toDrafts(parameters: Parameter[]): Draft[] {
  return parameters.map((parameter, i) => ({
    key: i + 1,
    name: parameter.name,
    kind: parameter.kind,
    text: showValue(parameter.default)
  }));
}

export interface ReadDrafts {
  parameters: Parameter[];
  /** By the key of the row. */
  problems: Record<number, string>;
}

/** Bounds, choices and descriptions of `detected` are kept where the name and the type still are the same. */
export function readDrafts(drafts: Draft[], detected: Parameter[]): ReadDrafts {
  const parameters: Parameter[] = [];
  const problems: Record<number, string> = {};
  const seen = new Set<string>();
  for (const draft of drafts) {
    const nameProblem = seen.has(draft.name)
      ? `“${draft.name}” is there twice.`
      : parameterNameProblem(draft.name);
    seen.add(draft.name);
    if (nameProblem) {
      problems[draft.key] = nameProblem;
      continue;
    }
    try {
      parameters.push(readDraft(draft, detected));
    } catch (reason) {
      if (!(reason instanceof BadValue)) {
        throw reason;
      }
      problems[draft.key] = reason.message;
    }
  }
  return { parameters, problems };
}

/** An empty field is no default, but for a text. */
function readDraft(draft: Draft, detected: Parameter[]): Parameter {
  const same = detected.find(other => other.name === draft.name && other.kind === draft.kind);
  const base: Parameter = same ?? {
    name: draft.name,
    kind: draft.kind,
    default: draft.kind === 'string' ? '' : null,
    required: false,
    choices: [],
    minimum: null,
    maximum: null,
    description: ''
  };
  if (draft.text === showValue(base.default)) {
    return base;
  }
  if (draft.text === '' && draft.kind !== 'string') {
    return { ...base, default: null };
  }
  return { ...base, default: checkValue(base, parseValue(draft.kind, draft.text)) };
}
