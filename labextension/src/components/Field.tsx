import * as React from 'react';

interface FieldProps {
  id: string;
  label: string;
  problem?: string;
  hint?: string;
  children: React.ReactElement<React.HTMLAttributes<HTMLElement>>;
}

/** A label tied to its input, with what is wrong or what is meant below it. */
export function Field(props: FieldProps): JSX.Element {
  const noteId = `${props.id}-note`;
  const note = props.problem || props.hint;
  return (
    <div className={props.problem ? 'yard-Field yard-wrong' : 'yard-Field'}>
      <label htmlFor={props.id}>{props.label}</label>
      {React.cloneElement(props.children, {
        id: props.id,
        'aria-invalid': props.problem ? true : undefined,
        'aria-describedby': note ? noteId : undefined
      })}
      {note && (
        <p id={noteId} className="yard-note">
          {note}
        </p>
      )}
    </div>
  );
}
