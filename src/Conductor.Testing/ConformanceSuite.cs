using Conductor.State;
using Conductor.Threading;

namespace Conductor.Testing;

/// <summary>The sentences that every provider of an abstraction has to keep. Any test framework, or a loop, can run them.</summary>
public abstract class ConformanceSuite
{
    private static readonly AsyncLocal<CancellationToken> _givenUp = new();

    private readonly List<ConformanceCase> _cases = [];

    private protected ConformanceSuite()
    {
    }

    /// <summary>The sentences, each to be run by itself. They are independent of each other.</summary>
    public IReadOnlyList<ConformanceCase> Cases => _cases;

    /// <summary>The sentences as text, for frameworks that want data they can print: see <see cref="RunAsync"/>.</summary>
    public IReadOnlyList<string> Names => [.. _cases.Select(static known => known.Name)];

    /// <summary>How long a case may take, in real time.</summary>
    internal TimeSpan Limit { get; init; } = Check.RealLimit;

    /// <summary>Holds a fresh provider to one sentence.</summary>
    /// <param name="name">The sentence: one of <see cref="Names"/>.</param>
    /// <exception cref="ConformanceException">The provider does not keep it.</exception>
    public Task RunAsync(string name) => (_cases.Find(known => string.Equals(known.Name, name, StringComparison.Ordinal))
        ?? throw new ArgumentException($"There is no case '{name}' here.", nameof(name))).RunAsync();

    /// <summary>A sentence that a fresh store is held to.</summary>
    private protected void AddOfStore(
        string name, Func<ConformanceEnvironment, ValueTask<StateManager>> create, Func<StateManager, ConformanceEnvironment, Task> run) =>
        Add(name, async () =>
        {
            var environment = new ConformanceEnvironment();
            var store = await create(environment).ConfigureAwait(false);
            await using var disposal = store.ConfigureAwait(false);
            await store.ConnectAsync().ConfigureAwait(false);
            await UntilGivenUpAsync(run(store, environment)).ConfigureAwait(false);
        });

    /// <summary>The end of a case; it is left to itself once it is given up, so that what it holds is disposed of.</summary>
    private protected static Task UntilGivenUpAsync(Task held)
    {
        held.HearFailure(static _ => { });
        return held.WaitAsync(_givenUp.Value);
    }

    /// <summary>Waits, in real time, until something is so; the case's own limit ends it.</summary>
    private protected static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, _givenUp.Value).ConfigureAwait(false);
        }
    }

    private protected void Add(string name, Func<Task> run) => _cases.Add(new ConformanceCase(name, async () =>
    {
        using var givenUp = new CancellationTokenSource();
        var held = Task.Run(() =>
        {
            _givenUp.Value = givenUp.Token;
            return run();
        });
        try
        {
            // (That it is over is told by itself: the provider may throw a TimeoutException, too.)
            await held.WaitAsync(Limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException exception) when (!held.IsCompleted)
        {
            held.HearFailure(static _ => { });
            throw new ConformanceException(FormattableString.Invariant($"'{name}' did not end within {Limit.TotalSeconds:0.#} s."), exception);
        }
        catch (ConductorException exception)
        {
            throw new ConformanceException($"'{name}' does not hold: it ended with {exception.ErrorCode}: {exception.Message}", exception);
        }
        catch (ConformanceException exception)
        {
            throw new ConformanceException($"'{name}' does not hold: {exception.Message}", exception);
        }
#pragma warning disable CA1031 // A provider may throw anything; whoever runs the suite is told which sentence it was.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new ConformanceException($"'{name}' does not hold: it ended with {exception.GetType().FullName}: {exception.Message}", exception);
        }
        finally
        {
            await givenUp.CancelAsync().ConfigureAwait(false);
        }
    }));
}
