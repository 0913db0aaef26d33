using System.Runtime.CompilerServices;
using Conductor.Threading;

namespace Conductor.Tests.Threading;

/// <summary>A method that is built by <see cref="ReusingMethodBuilder{TResult}"/> behaves like any other.</summary>
public sealed class ReusingMethodBuilderTests
{
    private static readonly AsyncLocal<string?> _ambient = new();

    [AsyncMethodBuilder(typeof(ReusingMethodBuilder<>))]
    private static async ValueTask<int> AddOneAsync(Task<int> number)
    {
        using var scope = new Scope();
        return await number.ConfigureAwait(false) + 1;
    }

    [AsyncMethodBuilder(typeof(ReusingMethodBuilder<>))]
    private static async ValueTask<string?> AmbientAfterAsync(Task first, Task second)
    {
        await first.ConfigureAwait(false);
        var seen = _ambient.Value;
        _ambient.Value = "changed inside";
        await second.ConfigureAwait(false);
        return $"{seen}, {_ambient.Value}";
    }

    [Fact]
    public async Task Method_ThatNeedNotWait_GivesItsResultAtOnce()
    {
        var call = AddOneAsync(Task.FromResult(1));

        call.IsCompletedSuccessfully.Should().BeTrue();
        (await call).Should().Be(2);
    }

    [Fact]
    public async Task Method_ThatFailsBeforeItWaits_ThrowsWhenAwaited()
    {
        var call = AddOneAsync(Task.FromException<int>(new InvalidOperationException("at once")));

        (await FluentActions.Awaiting(async () => await call).Should().ThrowAsync<InvalidOperationException>()).WithMessage("at once");
    }

    [Fact]
    public async Task Method_ThatIsCancelledBeforeItWaits_IsCanceledForItsCaller()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        var call = AddOneAsync(Task.FromCanceled<int>(cancellation.Token)).AsTask();

        call.Status.Should().Be(TaskStatus.Canceled);
        (await FluentActions.Awaiting(() => call).Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
    }

    [Fact]
    public async Task Method_ThatFailsAfterItWaited_ThrowsAndIsUsedAgain()
    {
        for (var i = 0; i < 3; i++)
        {
            var source = new TaskCompletionSource<int>();
            var call = AddOneAsync(source.Task);
            source.SetException(new InvalidOperationException($"later {i}"));
            (await FluentActions.Awaiting(async () => await call).Should().ThrowAsync<InvalidOperationException>()).WithMessage($"later {i}");
            (await AddOneAsync(Task.Run(() => i))).Should().Be(i + 1);
        }
    }

    [Fact]
    public async Task Method_ThatIsCancelled_IsCanceledForItsCaller()
    {
        var source = new TaskCompletionSource<int>();
        var call = AddOneAsync(source.Task).AsTask();
        source.SetCanceled();

        await FluentActions.Awaiting(() => call).Should().ThrowAsync<OperationCanceledException>();
        call.IsCanceled.Should().BeTrue();
    }

    [Fact]
    public async Task Method_AwaitedTwice_ThrowsAndDisturbsNobody()
    {
        var (first, second) = (new TaskCompletionSource<int>(), new TaskCompletionSource<int>());
        var call = AddOneAsync(first.Task);
        first.SetResult(1);
        (await call).Should().Be(2);
        var next = AddOneAsync(second.Task);

        await FluentActions.Awaiting(async () => await call).Should().ThrowAsync<InvalidOperationException>();

        second.SetResult(2);
        (await next).Should().Be(3);
    }

    [Fact]
    public async Task Method_AskedForItsResultTooEarly_ThrowsAndGoesOn()
    {
        var source = new TaskCompletionSource<int>();
        var call = AddOneAsync(source.Task);

        FluentActions.Invoking(() => call.GetAwaiter().GetResult()).Should().Throw<InvalidOperationException>();

        source.SetResult(1);
        (await call).Should().Be(2);
    }

    [Fact]
    public async Task Method_KeepsItsCallersContext_AndLeavesItAlone()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        _ambient.Value = "the caller's";
        var call = AmbientAfterAsync(first.Task, second.Task);
        _ambient.Value = "changed outside";
        first.SetResult();
        second.SetResult();

        (await call).Should().Be("the caller's, changed inside");
        _ambient.Value.Should().Be("changed outside");
    }

    [Fact]
    public async Task ManyCallsAtOnce_GiveEachCallerItsOwn()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                var sources = Enumerable.Range(0, 20)
                    .Select(static _ => new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously)).ToList();
                var calls = sources.Select(source => AddOneAsync(source.Task)).ToList();
                for (var j = 0; j < sources.Count; j++)
                {
                    sources[j].SetResult((caller * 1_000_000) + (i * 100) + j);
                }

                for (var j = 0; j < calls.Count; j++)
                {
                    (await calls[j]).Should().Be((caller * 1_000_000) + (i * 100) + j + 1);
                }
            }
        })));

        Scope.Open.Should().Be(0, "every call ran to its end once");
    }

    private sealed class Scope : IDisposable
    {
        private static int _open;

        public Scope() => Interlocked.Increment(ref _open);

        public static int Open => Volatile.Read(ref _open);

        public void Dispose() => Interlocked.Decrement(ref _open);
    }
}
