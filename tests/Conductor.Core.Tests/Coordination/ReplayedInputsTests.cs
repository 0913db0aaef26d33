using System.Runtime.CompilerServices;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Thousands of letters may be replayed at once, each with an input of megabytes.</summary>
public sealed class ReplayedInputsTests
{
    private const int Letters = 250;

    [Fact]
    public async Task ReplayDeadLettersAsync_ManyLetters_HoldsTheInputOfTheOneThatIsReplayed()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { State = static environment => new ReadingStore(environment) });
        var store = (ReadingStore)rig.State;
        for (var i = 0; i < Letters; i++)
        {
            await store.SaveDeadLetterAsync(new ErrorRecord
            {
                Id = $"letter {i:000}",
                Code = ErrorCodes.TransientError,
                Message = "busy",
                Timestamp = rig.Time.GetUtcNow(),
                Task = Rig.NewTask() with { Id = $"task {i}", Input = i.ToString() },
            });
        }

        var held = 0;
        await rig.AddAsync(task =>
        {
            held = Math.Max(held, store.CountHeld());
            return task.Input;
        });

        var results = await rig.Coordinator.ReplayDeadLettersAsync();

        results.Select(static result => result.Output.Get<string>()).Should().Equal(Enumerable.Range(0, Letters).Select(static i => i.ToString()));
        held.Should().BeLessThan(10);
    }

    /// <summary>Makes what it lists anew, as a store that reads it from a disk does.</summary>
    private sealed class ReadingStore(ConductorEnvironment environment) : DelegatingStateManager(new InMemoryStateManager(environment), environment)
    {
        private readonly List<WeakReference> _read = [];
        private int _looks;

        /// <summary>How many inputs that were listed are still held. (Looked at now and then: it takes its time.)</summary>
        public int CountHeld()
        {
            if (_looks++ % 50 != 0)
            {
                return 0;
            }

            GC.Collect();
            return _read.Count(static input => input.IsAlive);
        }

        protected override async ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken)
        {
            var listed = await base.ListDeadLettersCoreAsync(page, cancellationToken);
            return listed with { Items = [.. listed.Items.Select(Read)] };
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private ErrorRecord Read(ErrorRecord letter)
        {
            var input = TaskData.From(new string(letter.Task!.Input.Get<string>()));
            _read.Add(new WeakReference(input));
            return letter with { Task = letter.Task with { Input = input } };
        }
    }
}
