"""The reference server: signing and forwarding as a usual FastAPI backend does it. A login token, the user's row by
SQLAlchemy from PostgreSQL, Fernet for the two halves of the key, HMAC-SHA256 over the query, httpx for the call.

It keeps no record, checks no permission and counts no budget, which is to its advantage here.

    python reference.py fill        make the tables and the users
    uvicorn reference:app           serve
"""
import asyncio
import hashlib
import hmac
import os
import sys
import time
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import httpx
import jwt
from cryptography.fernet import Fernet
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

USERS = int(os.environ['REFERENCE_USERS'])
JWT_SECRET = os.environ['REFERENCE_JWT_SECRET']
fernet = Fernet(os.environ['REFERENCE_FERNET_KEY'])
engine = create_async_engine(os.environ['REFERENCE_DATABASE'], pool_size=20, max_overflow=0)
session = async_sessionmaker(engine, expire_on_commit=False)
bearer = HTTPBearer()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = 'reference_user'
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class ApiKey(Base):
    __tablename__ = 'reference_key'
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey('reference_user.id'), unique=True)
    encrypted_api_key: Mapped[str]
    encrypted_secret: Mapped[str]


@asynccontextmanager
async def lifespan(app):
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=os.environ['REFERENCE_UPSTREAM'], limits=limits, timeout=10) as client:
        app.state.client = client
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def database():
    async with session() as open_session:
        yield open_session


def user_id(credential: HTTPAuthorizationCredentials = Depends(bearer)) -> int:
    try:
        return int(jwt.decode(credential.credentials, JWT_SECRET, algorithms=['HS256'])['sub'])
    except jwt.PyJWTError:
        raise HTTPException(401, 'Invalid token')


@app.get('/ready')
async def ready():
    return {'ready': True}


@app.get('/gateway/{path:path}')
async def forward(path: str, request: Request, user: int = Depends(user_id), db: AsyncSession = Depends(database)):
    mine = select(ApiKey).join(User).where(ApiKey.user_id == user, User.is_active)
    key = (await db.execute(mine)).scalar_one_or_none()
    if key is None:
        raise HTTPException(404, 'No API key')
    api_key, secret = fernet.decrypt(key.encrypted_api_key), fernet.decrypt(key.encrypted_secret)
    query = urlencode({**request.query_params, 'timestamp': int(time.time() * 1000)})
    signature = hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()
    answer = await request.app.state.client.get(
        f'/{path}?{query}&signature={signature}', headers={'X-MBX-APIKEY': api_key.decode()})
    return Response(answer.content, answer.status_code, media_type=answer.headers.get('content-type'))


async def fill():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with session() as db:
        for number in range(1, USERS + 1):
            sealed = (fernet.encrypt(hashlib.sha256(f'{half}{number}'.encode()).hexdigest().encode()).decode()
                      for half in ('key', 'secret'))
            db.add(User(id=number, email=f'{number}@example.com'))
            await db.flush()
            db.add(ApiKey(user_id=number, encrypted_api_key=next(sealed), encrypted_secret=next(sealed)))
        await db.commit()


if __name__ == '__main__' and sys.argv[1:] == ['fill']:
    asyncio.run(fill())
