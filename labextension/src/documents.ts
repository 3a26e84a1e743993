import { ILabShell } from '@jupyterlab/application';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

/** The notebook or file that the user looked at last. */
export interface OpenDocument {
  /** Relative to the folder that JupyterLab shows. */
  path: string;
  isDirty(): boolean;
  save(): Promise<void>;
}

/** Follows the main area. Moving on to a side panel or a terminal keeps the last document. */
export class Documents {
  private document: OpenDocument | null = null;
  private widget: DocumentWidget | null = null;
  private readonly _changed = new Signal<this, void>(this);

  constructor(shell: ILabShell) {
    shell.currentChanged.connect((_, change) => this.follow(change.newValue));
    this.follow(shell.currentWidget);
  }

  get current(): OpenDocument | null {
    return this.document;
  }

  /** Another document, or the same one with or without unsaved changes now. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private follow(widget: Widget | null): void {
    if (!(widget instanceof DocumentWidget) || widget === this.widget) {
      return;
    }
    this.widget?.context.model.stateChanged.disconnect(this.notify, this);
    const context = widget.context;
    this.widget = widget;
    this.document = {
      get path() {
        return context.localPath;
      },
      isDirty: () => context.model.dirty,
      save: () => context.save()
    };
    context.model.stateChanged.connect(this.notify, this);
    widget.disposed.connect(() => this.forget(widget));
    this.notify();
  }

  private forget(widget: DocumentWidget): void {
    if (this.widget === widget) {
      this.widget = null;
      this.document = null;
      this.notify();
    }
  }

  private notify(): void {
    this._changed.emit();
  }
}
