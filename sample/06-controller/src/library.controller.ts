import { AuthGuard, CurrentPrincipal, type Principal } from '@secureconnect/gateway';
import { Controller, Get, Logger, UseGuards } from '@nestjs/common';

/** A controller gets the requests that no upstream has a route for. The gates stand before it too. */
@Controller()
export class LibraryController {
  private readonly logger = new Logger(LibraryController.name);

  @Get('opening-hours')
  hours(): { readonly opens: string } {
    return { opens: '08:00' };
  }

  @Get('card')
  @UseGuards(AuthGuard)
  card(@CurrentPrincipal() { userId }: Principal): { readonly owner: string } {
    this.logger.log({ message: 'card shown', owner: userId });
    return { owner: userId };
  }
}
