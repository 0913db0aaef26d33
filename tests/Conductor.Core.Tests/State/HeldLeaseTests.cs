using Conductor.State;
using Conductor.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.State;

/// <summary>A lease that is renewed in time, although the store answers late.</summary>
public sealed class HeldLeaseTests : IAsyncDisposable
{
    private static readonly TimeSpan _term = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly TroubledStateManager _store = new(new InMemoryStateManager());
    private readonly List<Exception> _late = [];

    [Fact]
    public async Task TryRenewAsync_AnswerComesLate_CountsFromWhenItWasAskedFor()
    {
        var held = await HoldAsync();
        var answer = new TaskCompletionSource();
        _store.Trouble["TryRenewAsync"] = () => answer.Task;
        _time.Advance(TimeSpan.FromSeconds(10));
        var renewal = held.TryRenewAsync(_store.Leases, _late.Add, default).AsTask();
        _time.Advance(TimeSpan.FromSeconds(10));
        (await FluentActions.Awaiting(() => renewal).Should().ThrowAsync<StateException>()).Which.IsTransient.Should().BeTrue();
        held.IsFresh.Should().BeFalse();

        answer.SetResult();

        await Rig.UntilAsync(() => held.IsFresh, "the answer to be taken");
        (held.Current.Renewal, held.TimeLeft).Should().Be((1, TimeSpan.FromSeconds(15)));
        _late.Should().BeEmpty();
    }

    [Fact]
    public async Task TryRenewAsync_AnswersCrossEachOther_TheLastQuestionCounts()
    {
        var held = await HoldAsync();
        var answer = new TaskCompletionSource();
        _store.Trouble["TryRenewAsync"] = () => answer.Task;
        var first = held.TryRenewAsync(_store.Leases, _late.Add, default).AsTask();
        _store.Trouble.Clear();
        _time.Advance(TimeSpan.FromSeconds(5));
        (await held.TryRenewAsync(_store.Leases, _late.Add, default)).Should().BeTrue();

        answer.SetResult();

        (await first).Should().BeTrue();
        (held.Current.Renewal, held.TimeLeft).Should().Be((1, TimeSpan.FromSeconds(25)));
    }

    [Fact]
    public async Task TryRenewAsync_LostOnlyLate_IsNotReliedOnAnyMore()
    {
        var held = await HoldAsync();
        var answer = new TaskCompletionSource();
        _store.Trouble["TryRenewAsync"] = () => answer.Task;
        var renewal = held.TryRenewAsync(_store.Leases, _late.Add, default).AsTask();
        _time.Advance(TimeSpan.FromSeconds(10));
        await FluentActions.Awaiting(() => renewal).Should().ThrowAsync<StateException>();
        await _store.Store.Leases.ReleaseAsync(held.Current);

        answer.SetResult();

        await Rig.UntilAsync(() => !held.IsFresh, "the answer to be taken");
    }

    [Fact]
    public async Task TryRenewAsync_FailsLate_IsTold()
    {
        var held = await HoldAsync();
        var answer = new TaskCompletionSource();
        _store.Trouble["TryRenewAsync"] = () => answer.Task;
        var told = new TaskCompletionSource<Exception>();
        var renewal = held.TryRenewAsync(_store.Leases, told.SetResult, default).AsTask();
        _time.Advance(TimeSpan.FromSeconds(10));
        await FluentActions.Awaiting(() => renewal).Should().ThrowAsync<StateException>();

        answer.SetException(new FormatException("the store's"));

        (await told.Task).Message.Should().Be("the store's");
    }

    /// <summary>Shortly before it may be another's, a store is not waited for as long as otherwise.</summary>
    [Fact]
    public async Task TryRenewAsync_LittleTimeIsLeft_IsNotWaitedForBeyondIt()
    {
        var held = await HoldAsync();
        _time.Advance(TimeSpan.FromSeconds(24));
        var answer = new TaskCompletionSource();
        _store.Trouble["TryRenewAsync"] = () => answer.Task;
        var renewal = held.TryRenewAsync(_store.Leases, _late.Add, default).AsTask();

        _time.Advance(TimeSpan.FromSeconds(1));

        await FluentActions.Awaiting(() => renewal).Should().ThrowAsync<StateException>();
        held.TimeLeft.Should().Be(TimeSpan.Zero);
        answer.SetResult();
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private async Task<HeldLease> HoldAsync()
    {
        await _store.ConnectAsync();
        return new HeldLease((await _store.Leases.TryAcquireAsync("name", "owner", _term))!, _time.GetTimestamp(), _time, _term);
    }
}
