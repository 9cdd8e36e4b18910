import { CurrentPrincipal, AuthGuard, type Principal } from '@app/gateway';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { accessClaims, signToken, startGateway } from '../support/gateway.js';

@Controller('v1/me')
class MeController {
  @Get()
  @UseGuards(AuthGuard)
  read(@CurrentPrincipal() { userId, email, username, role, tokenId }: Principal): object {
    return { userId, email, username, role, tokenId };
  }
}

@Module({ controllers: [MeController] })
class MeModule {}

it("SecureConnect's gateway reads each claim of a token of its auth service", async () => {
  await using gateway = await startGateway({ modules: [MeModule] });
  const claims = accessClaims({ username: 'ada', email: 'ada@example.com', role: 'admin' });

  const response = await fetch(`${gateway.url}/v1/me`, {
    headers: { Authorization: `Bearer ${signToken(claims)}` },
  });

  expect(await response.json()).toEqual({
    userId: claims['user_id'],
    email: 'ada@example.com',
    username: 'ada',
    role: 'admin',
    tokenId: claims['jti'],
  });
});
