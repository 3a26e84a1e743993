import { LabIcon, ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';

/** What every panel's content is told: whether it can be seen, so that it polls only then. */
export interface Shown {
  visible: boolean;
}

/** A React component as a side panel. Its state lives as long as the page: closing a side panel only hides it. */
export class SidePanel extends ReactWidget {
  constructor(
    id: string,
    title: string,
    icon: LabIcon,
    private readonly content: (shown: Shown) => JSX.Element
  ) {
    super();
    this.id = id;
    this.title.caption = title;
    this.title.icon = icon;
    this.addClass('yard-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', title);
  }

  protected render(): JSX.Element {
    return this.content({ visible: this.isVisible });
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.update();
  }

  protected onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.update();
  }

  protected onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('input, select, button')?.focus();
  }
}
